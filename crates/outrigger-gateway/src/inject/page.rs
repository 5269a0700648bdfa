//! A page on its way, piece by piece. Pure: pieces in, pieces out.
//!
//! The begin of the page is read as [`begin`](super::begin) can; where that stops before the head does, a parser goes on
//! up to there. From there on nothing is parsed. The end is
//! found without looking at what is between: what follows the last `</body>` of a page is nothing but blanks, comments
//! and `</html>`. Text of that form cannot be inside a script or a comment, because it would have to end before the
//! page does, and its end would be there to see.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use lol_html::html_content::{ContentType, Element, EndTag};
use lol_html::{HtmlRewriter, MemorySettings, OutputSink, Settings, doctype, element, end};

use super::Additions;
use super::begin::{self, Begin};
use super::policy::Policies;

/// Bytes that the parser gets at once: it reads all that it gets, also what is behind the head.
const SLICE: usize = 1024;
/// More than any tag has. A page whose begin needs more passes as it is.
const PARSER_MEMORY: usize = 256 * 1024;
/// Bytes of the end that are held back until it is known whether the page ends there.
const HELD: usize = 1024;

pub(super) struct Page {
    stage: Stage,
    out: VecDeque<Bytes>,
}

enum Stage {
    /// Nothing came yet.
    Begin(Additions),
    Head(Box<Head>),
    Tail(Tail),
    /// Nothing is added any more.
    Rest,
}

struct Head {
    /// Gone once the head is done.
    rewriter: Option<HtmlRewriter<'static, Sink>>,
    state: Rc<State>,
}

struct State {
    additions: Additions,
    written: RefCell<BytesMut>,
    found: Cell<Found>,
    is_document: Cell<bool>,
    head_is_open: Cell<bool>,
    /// Within an element of the head that may hold elements of all kinds.
    is_within: Cell<bool>,
    nonce: RefCell<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    /// The end of the head: what belongs there is there.
    Head,
    /// It is a part of a page.
    Fragment,
}

struct Sink(Rc<State>);

impl OutputSink for Sink {
    fn handle_chunk(&mut self, chunk: &[u8]) {
        self.0.written.borrow_mut().extend_from_slice(chunk);
    }
}

struct Tail {
    footer: Bytes,
    held: BytesMut,
}

impl Page {
    pub(super) fn new(additions: Additions) -> Self {
        Self { stage: Stage::Begin(additions), out: VecDeque::new() }
    }

    /// The next piece that is ready.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    pub(super) fn push(&mut self, mut piece: Bytes) {
        while !piece.is_empty() {
            match &mut self.stage {
                Stage::Begin(additions) => {
                    let additions = std::mem::take(additions);
                    self.begin(additions, &mut piece);
                }
                Stage::Head(head) => {
                    let slice = piece.split_to(SLICE.min(piece.len()));
                    let next = head.push(&slice);
                    let written = head.state.written.take().freeze();
                    match next {
                        Some(next) => self.enter(next, written),
                        None => self.out.extend((!written.is_empty()).then_some(written)),
                    }
                }
                Stage::Tail(tail) => tail.push(std::mem::take(&mut piece), &mut self.out),
                Stage::Rest => self.out.push_back(std::mem::take(&mut piece)),
            }
        }
    }

    fn begin(&mut self, additions: Additions, piece: &mut Bytes) {
        let begin = begin::read(piece);
        if begin.length > 0 {
            self.out.push_back(piece.split_to(begin.length));
        }
        if begin.is_at_end_of_head {
            let (head, footer) = (additions.head(None), additions.footer(None));
            self.out.extend((!head.is_empty()).then_some(head));
            self.stage = Stage::Tail(Tail { footer, held: BytesMut::new() });
        } else {
            self.stage = Stage::Head(Box::new(Head::behind(&begin, additions)));
        }
    }

    /// Nothing comes for a while: what cannot be the end of the page goes out.
    pub(super) fn rest(&mut self) {
        if let Stage::Tail(tail) = &mut self.stage {
            tail.rest(&mut self.out);
        }
    }

    /// The page is over.
    pub(super) fn end(&mut self) {
        if let Stage::Head(head) = &mut self.stage {
            let next = head.end();
            let written = head.state.written.take().freeze();
            self.enter(next, written);
        }
        if let Stage::Tail(tail) = std::mem::replace(&mut self.stage, Stage::Rest) {
            tail.end(&mut self.out);
        }
    }

    /// The parser may have got the end of the page together with its head.
    fn enter(&mut self, stage: Stage, written: Bytes) {
        self.stage = stage;
        match &mut self.stage {
            Stage::Tail(tail) => tail.push(written, &mut self.out),
            _ => self.out.extend((!written.is_empty()).then_some(written)),
        }
    }
}

impl Head {
    /// Goes on from there.
    fn behind(begin: &Begin, additions: Additions) -> Self {
        let state = Rc::new(State {
            additions,
            written: RefCell::default(),
            found: Cell::new(Found::Nothing),
            is_document: Cell::new(false),
            head_is_open: Cell::new(false),
            is_within: Cell::new(false),
            nonce: RefCell::default(),
        });
        let rewriter = HtmlRewriter::new(parser_settings(&state), Sink(state.clone()));
        let mut head = Self { rewriter: Some(rewriter), state };
        // The parser learns in its own language what was read.
        let read =
            [(begin.is_document, "<!doctype html>"), (begin.html_is_open, "<html>"), (begin.head_is_open, "<head>")];
        for (_, text) in read.iter().filter(|(is_there, _)| *is_there) {
            head.push(text.as_bytes());
        }
        head.state.written.borrow_mut().clear();
        head
    }

    fn push(&mut self, slice: &[u8]) -> Option<Stage> {
        let Some(rewriter) = &mut self.rewriter else { return Some(Stage::Rest) };
        // The parser gives up when it would need too much memory, and has passed on all that it got.
        if rewriter.write(slice).is_err() {
            self.rewriter = None;
            return Some(Stage::Rest);
        }
        (self.state.found.get() != Found::Nothing).then(|| self.end())
    }

    /// Lets the parser pass on what it holds.
    fn end(&mut self) -> Stage {
        if let Some(rewriter) = self.rewriter.take() {
            // As above.
            let _ = rewriter.end();
        }
        match self.state.found.get() {
            Found::Head => Stage::Tail(Tail { footer: self.state.footer(), held: BytesMut::new() }),
            Found::Nothing | Found::Fragment => Stage::Rest,
        }
    }
}

fn parser_settings(state: &Rc<State>) -> Settings<'static, 'static> {
    let (of_doctype, of_element, of_end) = (state.clone(), state.clone(), state.clone());
    let memory = MemorySettings::new()
        .with_max_allowed_memory_usage(PARSER_MEMORY)
        .with_graceful_bail_out_on_memory_limit_exceeded(true);
    Settings::new()
        .append_document_content_handler(doctype!(move |_| {
            of_doctype.is_document.set(true);
            Ok(())
        }))
        .append_element_content_handler(element!("*", move |element| {
            on_element(element, &of_element);
            Ok(())
        }))
        .append_document_content_handler(end!(move |document| {
            if of_end.found.get() == Found::Nothing && of_end.is_document.get() {
                document.append(&of_end.head(), ContentType::Html);
            }
            Ok(())
        }))
        .with_memory_settings(memory)
        .with_strict(false)
}

/// Elements that belong to the head though no tag says where it begins or ends (HTML section 13.2.6.4.4).
const OF_HEAD: [&str; 9] = ["base", "basefont", "bgsound", "link", "meta", "noscript", "script", "style", "template"];

fn on_element(element: &mut Element<'_, '_>, state: &Rc<State>) {
    if state.found.get() != Found::Nothing || state.is_within.get() {
        return;
    }
    let name = element.tag_name();
    match name.as_str() {
        "html" => state.is_document.set(true),
        "head" => {
            state.is_document.set(true);
            if !state.head_is_open.replace(true) {
                let state = state.clone();
                on_end(element, move |end| {
                    if state.found.get() == Found::Nothing {
                        end.before(&state.head(), ContentType::Html);
                    }
                });
            }
        }
        "title" => {}
        name if OF_HEAD.contains(&name) => of_head(element, name, state),
        "body" | "frameset" => element.before(&state.head(), ContentType::Html),
        _ if state.is_document.get() => element.before(&state.head(), ContentType::Html),
        _ => state.found.set(Found::Fragment),
    }
}

fn of_head(element: &mut Element<'_, '_>, name: &str, state: &Rc<State>) {
    let names_policy = |value: String| value.eq_ignore_ascii_case("content-security-policy");
    match name {
        "meta" if element.get_attribute("http-equiv").is_some_and(names_policy) => {
            let policies = Policies::parse(&element.get_attribute("content").unwrap_or_default());
            let mut nonce = state.nonce.borrow_mut();
            *nonce = nonce.take().or_else(|| policies.nonce().map(str::to_owned));
        }
        "noscript" | "template" => {
            state.is_within.set(true);
            let state = state.clone();
            on_end(element, move |_| state.is_within.set(false));
        }
        _ => {}
    }
}

fn on_end(element: &mut Element<'_, '_>, mut then: impl FnMut(&mut EndTag<'_>) + 'static) {
    // Elements that end with their own tag have no handlers.
    if let Some(handlers) = element.end_tag_handlers() {
        handlers.push(Box::new(move |end| {
            then(end);
            Ok(())
        }));
    }
}

impl State {
    /// What goes to the end of the head, which is found herewith.
    fn head(&self) -> String {
        self.found.set(Found::Head);
        self.is_document.set(true);
        let head = self.additions.head(self.nonce.borrow().as_deref());
        String::from_utf8_lossy(&head).into_owned()
    }

    fn footer(&self) -> Bytes {
        self.additions.footer(self.nonce.borrow().as_deref())
    }
}

impl Tail {
    fn push(&mut self, mut piece: Bytes, out: &mut VecDeque<Bytes>) {
        if self.footer.is_empty() {
            return out.push_back(piece);
        }
        if piece.len() >= HELD {
            let held = self.held.split().freeze();
            out.extend((!held.is_empty()).then_some(held));
            let sure = piece.split_to(piece.len() - HELD);
            out.extend((!sure.is_empty()).then_some(sure));
        }
        self.held.extend_from_slice(&piece);
        if let Some(over) = self.held.len().checked_sub(HELD).filter(|over| *over > 0) {
            out.push_back(self.held.split_to(over).freeze());
        }
    }

    fn rest(&mut self, out: &mut VecDeque<Bytes>) {
        let may_be_end = first_end_or_begin_of_one(&self.held);
        if may_be_end > 0 {
            out.push_back(self.held.split_to(may_be_end).freeze());
        }
    }

    fn end(mut self, out: &mut VecDeque<Bytes>) {
        if self.footer.is_empty() {
            return;
        }
        let place = end_of_body(&self.held).unwrap_or(self.held.len());
        let before = self.held.split_to(place).freeze();
        out.extend([before, self.footer, self.held.freeze()].into_iter().filter(|piece| !piece.is_empty()));
    }
}

const END_OF_BODY: &[u8] = b"</body";

/// Where `</body` stands first, or may begin at the very end.
fn first_end_or_begin_of_one(text: &[u8]) -> usize {
    let fits = |at: &usize| {
        let rest = &text[*at..text.len().min(at + END_OF_BODY.len())];
        rest.eq_ignore_ascii_case(&END_OF_BODY[..rest.len()])
    };
    (0..text.len()).find(fits).unwrap_or(text.len())
}

/// Where the last `</body>` is, if nothing but blanks, comments and `</html>` follows it.
fn end_of_body(text: &[u8]) -> Option<usize> {
    let is_end = |at: &usize| {
        let rest = &text[*at..];
        rest.get(..END_OF_BODY.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(END_OF_BODY))
            && after_tag(&rest[END_OF_BODY.len()..]).is_some_and(is_nothing_more)
    };
    (0..text.len()).rev().find(is_end)
}

/// What is behind the `>` of a tag whose name was read.
fn after_tag(rest: &[u8]) -> Option<&[u8]> {
    let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    rest[blanks..].strip_prefix(b">")
}

fn is_nothing_more(mut rest: &[u8]) -> bool {
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return true;
        }
        let html =
            rest.get(..6).filter(|begin| begin.eq_ignore_ascii_case(b"</html")).and_then(|_| after_tag(&rest[6..]));
        let comment = rest.strip_prefix(b"<!--").and_then(|comment| {
            let end = comment.windows(3).position(|three| three == b"-->")?;
            Some(&comment[end + 3..])
        });
        match html.or(comment) {
            Some(more) => rest = more,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::site::{PageSnippet, SnippetPosition};

    fn additions() -> Additions {
        let snippet =
            |id: &str, position, html: &str| PageSnippet { id: id.into(), position, html: html.into(), share: 100 };
        Additions::of(&[
            snippet("h", SnippetPosition::Head, "<i-head>"),
            snippet("f", SnippetPosition::Footer, "<i-foot>"),
        ])
    }

    fn changed(pieces: &[&[u8]], rests: bool) -> Vec<u8> {
        let mut page = Page::new(additions());
        let mut out = Vec::new();
        for piece in pieces {
            page.push(Bytes::copy_from_slice(piece));
            if rests {
                page.rest();
            }
            std::iter::from_fn(|| page.next()).for_each(|piece| out.extend(piece));
        }
        page.end();
        std::iter::from_fn(|| page.next()).for_each(|piece| out.extend(piece));
        out
    }

    #[track_caller]
    fn check(page: &str, expected: &str) {
        let whole = String::from_utf8(changed(&[page.as_bytes()], false)).unwrap();
        assert_eq!(whole, expected);
        let bytes: Vec<&[u8]> = page.as_bytes().chunks(1).collect();
        for rests in [false, true] {
            assert_eq!(String::from_utf8(changed(&bytes, rests)).unwrap(), expected, "byte by byte, {rests}");
        }
    }

    #[test]
    fn a_page_gets_both_where_they_belong() {
        check(
            "<!doctype html><html><head><title>x</title></head><body><p>y</p></body></html>\n",
            "<!doctype html><html><head><title>x</title><i-head></head><body><p>y</p><i-foot></body></html>\n",
        );
        check("<HTML><HEAD></HEAD><BODY>y</BODY ></HTML>", "<HTML><HEAD><i-head></HEAD><BODY>y<i-foot></BODY ></HTML>");
        check("<html><body>y</body><!-- z --></html>", "<html><i-head><body>y<i-foot></body><!-- z --></html>");
    }

    #[test]
    fn tags_that_html_lets_out_are_not_missed() {
        check("<!doctype html><title>x</title><p>y", "<!doctype html><title>x</title><i-head><p>y<i-foot>");
        check(
            "<!doctype html><head><title>x</title><body>y",
            "<!doctype html><head><title>x</title><i-head><body>y<i-foot>",
        );
        check("<!doctype html><meta charset=utf-8>", "<!doctype html><meta charset=utf-8><i-head><i-foot>");
        check("<!doctype html>", "<!doctype html><i-head><i-foot>");
        check(
            "<html><noscript><img></noscript><p>y</html>",
            "<html><noscript><img></noscript><i-head><p>y</html><i-foot>",
        );
    }

    #[test]
    fn what_only_looks_like_an_end_is_none() {
        check(
            "<html><head><script>'</head>'</script><!-- </head> --><title></head></title></head><body></body></html>",
            "<html><head><script>'</head>'</script><!-- </head> --><title></head></title><i-head></head><body><i-foot></body></html>",
        );
        check(
            "<html><head></head><body><script>'</body>'</script></body>",
            "<html><head><i-head></head><body><script>'</body>'</script><i-foot></body>",
        );
        check(
            "<html><head></head><body><!-- </body> -->z",
            "<html><head><i-head></head><body><!-- </body> -->z<i-foot>",
        );
        check("<html><head></head><head></head>", "<html><head><i-head></head><head></head><i-foot>");
        check("<html><head></head></bodywork>", "<html><head><i-head></head></bodywork><i-foot>");
    }

    #[test]
    fn a_part_of_a_page_stays_as_it_is() {
        for part in ["<p>y</p></body>", "y", "", "<div><html></html></div>", "<li>a<li>b"] {
            check(part, part);
        }
    }

    #[test]
    fn a_page_that_is_never_over_is_not_held() {
        let mut page = Page::new(additions());
        page.push(Bytes::from_static(b"<html><head></head><body>one"));
        page.rest();
        let out: Vec<u8> = std::iter::from_fn(|| page.next()).flatten().collect();
        assert_eq!(out, b"<html><head><i-head></head><body>one");
        page.push(Bytes::from_static(b"two</bo"));
        page.rest();
        let out: Vec<u8> = std::iter::from_fn(|| page.next()).flatten().collect();
        assert_eq!(out, b"two");
    }

    #[test]
    fn a_tag_without_end_is_no_reason_to_keep_all_of_it() {
        let page = format!("<html><head><meta content=\"{}", "x".repeat(2_000_000));
        assert_eq!(changed(&[page.as_bytes()], false), page.as_bytes());
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("<!doctype html>"), Just("<html>"), Just("<head>"), Just("</head>"), Just("<body>"), Just("</body>"),
                    Just("</html>"), Just("<script>"), Just("</script>"), Just("<!--"), Just("-->"), Just("<p>"), Just(" "),
                    Just("x"), Just("<meta http-equiv='content-security-policy' content=\"script-src 'nonce-a'\">"),
                    Just("<noscript>"), Just("</noscript>"), Just("<title>"), Just("</title>"), Just("\""), Just("<a href='"),
                    Just("<link rel=\"a\" href=b>"), Just("<meta charset=x/>"), Just("<script src='a' async>"), Just("<style>"),
                    Just("</style >"), Just("<!-- z -->"), Just("<head lang=x>"), Just("<base"), Just("'"), Just(">"), Just("="),
                ],
                0..24,
            ),
            filler in 0..3000_usize,
            cuts in proptest::collection::vec(1..40_usize, 1..400),
        ) {
            let mut page = parts.concat().into_bytes();
            page.extend(std::iter::repeat_n(b'y', filler));
            page.extend(b"</body></html>");
            let whole = changed(&[&page], false);
            let mut pieces = Vec::new();
            let mut rest = &page[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, more) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = more;
            }
            prop_assert_eq!(&changed(&pieces, false), &whole);
            prop_assert_eq!(&changed(&pieces, true), &whole);
            let text = String::from_utf8(whole).unwrap();
            prop_assert!(text.matches("<i-head>").count() <= 1 && text.matches("<i-foot>").count() <= 1);
            prop_assert_eq!(text.replace("<i-head>", "").replace("<i-foot>", "").into_bytes(), page);
        }

        #[test]
        fn any_bytes_pass(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..8)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let out = changed(&pieces, true);
            prop_assert!(out.len() >= pieces.concat().len());
        }
    }
}
