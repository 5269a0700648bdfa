//! A page on its way, piece by piece. Pure: pieces in, pieces out.
//!
//! The begin of the page is read as `begin` can; where that stops before the head does, the parser of `head` goes on up to
//! there. From there on nothing is parsed. The end is found without looking at what is between: what follows the last
//! `</body>` of a page is nothing but blanks, comments and `</html>`. Text of that form cannot be inside a script or a
//! comment, because it would have to end before the page does, and its end would be there to see.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Additions;
use super::begin;
use super::head::{End, Head};
use super::tail::Tail;

/// Bytes that the parser gets at once: it reads all that it gets, also what is behind the head.
const SLICE: usize = 1024;

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
                    let end = head.push(&slice);
                    let written = head.take_written();
                    match end {
                        Some(end) => self.leave_head(end, written),
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
            self.stage = Stage::Tail(Tail::new(footer));
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
            let end = head.end();
            let written = head.take_written();
            self.leave_head(end, written);
        }
        if let Stage::Tail(tail) = std::mem::replace(&mut self.stage, Stage::Rest) {
            tail.end(&mut self.out);
        }
    }

    /// The parser may have got the end of the page together with its head.
    fn leave_head(&mut self, end: End, written: Bytes) {
        self.stage = match end {
            End::Found(footer) => Stage::Tail(Tail::new(footer)),
            End::Nothing => Stage::Rest,
        };
        match &mut self.stage {
            Stage::Tail(tail) => tail.push(written, &mut self.out),
            _ => self.out.extend((!written.is_empty()).then_some(written)),
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
