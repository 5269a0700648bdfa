//! What follows the head of a page: it passes, up to where the page may end. Pure.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Bytes of the end that are held back until it is known whether the page ends there.
const HELD: usize = 1024;

pub(super) struct Tail {
    footer: Bytes,
    held: BytesMut,
}

impl Tail {
    pub(super) fn new(footer: Bytes) -> Self {
        Self { footer, held: BytesMut::new() }
    }

    pub(super) fn push(&mut self, mut piece: Bytes, out: &mut VecDeque<Bytes>) {
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

    pub(super) fn rest(&mut self, out: &mut VecDeque<Bytes>) {
        let may_be_end = first_end_or_begin_of_one(&self.held);
        if may_be_end > 0 {
            out.push_back(self.held.split_to(may_be_end).freeze());
        }
    }

    pub(super) fn end(mut self, out: &mut VecDeque<Bytes>) {
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
