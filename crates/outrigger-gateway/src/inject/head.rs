//! The head of a page whose begin is not usual: a parser finds where it ends.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use lol_html::html_content::{ContentType, Element, EndTag};
use lol_html::{HtmlRewriter, MemorySettings, OutputSink, Settings, doctype, element, end};

use super::Additions;
use super::begin::Begin;
use super::policy::Policies;

/// More than any tag has. A page whose begin needs more passes as it is.
const PARSER_MEMORY: usize = 256 * 1024;

/// How a head ends.
pub(super) enum End {
    /// What belongs there is there; this goes to the end of the page.
    Found(Bytes),
    /// Nothing is added: it is a part of a page, or cannot be parsed.
    Nothing,
}

pub(super) struct Head {
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

impl Head {
    /// Goes on from there.
    pub(super) fn behind(begin: &Begin, additions: Additions) -> Self {
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

    /// What the parser has passed on.
    pub(super) fn take_written(&mut self) -> Bytes {
        self.state.written.take().freeze()
    }

    /// Parses some more.
    pub(super) fn push(&mut self, slice: &[u8]) -> Option<End> {
        let Some(rewriter) = &mut self.rewriter else { return Some(End::Nothing) };
        // The parser gives up when it would need too much memory, and has passed on all that it got.
        if rewriter.write(slice).is_err() {
            self.rewriter = None;
            return Some(End::Nothing);
        }
        (self.state.found.get() != Found::Nothing).then(|| self.end())
    }

    /// Lets the parser pass on what it holds.
    pub(super) fn end(&mut self) -> End {
        if let Some(rewriter) = self.rewriter.take() {
            // As above.
            let _ = rewriter.end();
        }
        match self.state.found.get() {
            Found::Head => End::Found(self.state.footer()),
            Found::Nothing | Found::Fragment => End::Nothing,
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
