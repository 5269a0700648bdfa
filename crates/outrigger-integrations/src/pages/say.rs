//! What the pages say, in the reader's language.

use std::borrow::{Borrow, Cow};

use crate::{Catalog, Text};

/// Looks texts up in one catalog. Every word that a page shows comes through here.
#[derive(Clone, Copy)]
pub(super) struct Say<'a> {
    catalog: &'a dyn Catalog,
}

impl<'a> Say<'a> {
    pub(super) fn new(catalog: &'a dyn Catalog) -> Self {
        Self { catalog }
    }

    /// A text of the pages; it is its own key.
    pub(super) fn t(&self, text: &'static str) -> Cow<'a, str> {
        self.catalog.find(text).unwrap_or(Cow::Borrowed(text))
    }

    /// A text of somebody else.
    pub(super) fn text(&self, text: &Text) -> String {
        text.show(self.catalog).into_owned()
    }

    /// A text with `{names}` of what is put there.
    pub(super) fn with(&self, text: &'static str, parts: &[(&str, &str)]) -> String {
        fill(&self.t(text), parts)
    }

    /// One text for one, and another, with `{n}`, for any other number.
    pub(super) fn count(&self, one: &'static str, many: &'static str, n: impl TryInto<u64> + Copy) -> String {
        let n = n.try_into().unwrap_or(u64::MAX);
        if n == 1 { self.t(one).into_owned() } else { self.with(many, &[("n", &n.to_string())]) }
    }

    /// Names the nth row of a field.
    pub(super) fn numbered(&self, label: impl AsRef<str>, n: impl Borrow<usize>) -> String {
        self.with("{label} {n}", &[("label", label.as_ref()), ("n", &n.borrow().to_string())])
    }

    /// What the button says that removes the nth row of a field.
    pub(super) fn remove(&self, label: impl AsRef<str>, n: impl Borrow<usize>) -> String {
        self.with("Remove {label} {n}", &[("label", label.as_ref()), ("n", &n.borrow().to_string())])
    }

    /// The paragraphs of a text: blank lines part them.
    pub(super) fn paragraphs(&self, text: Option<&Text>) -> Vec<String> {
        let Some(text) = text else { return Vec::new() };
        let text = self.text(text);
        text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).map(str::to_owned).collect()
    }
}

/// Replaces `{name}` in one pass, so that what was put in is never looked at again.
fn fill(text: &str, parts: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let part = after.split_once('}').and_then(|(name, rest)| {
            let (_, value) = parts.iter().find(|(known, _)| *known == name)?;
            Some((value, rest))
        });
        match part {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Untranslated;

    #[test]
    fn texts_are_filled_in_once() {
        let say = Say::new(&Untranslated);
        assert_eq!(say.with("Delete “{name}”?", &[("name", "{name} {")]), "Delete “{name} {”?");
        assert_eq!(say.with("{other} {", &[("name", "x")]), "{other} {");
        assert_eq!(say.count("one", "{n} of them", 1_usize), "one");
        assert_eq!(say.count("one", "{n} of them", 0_usize), "0 of them");
        assert_eq!(say.paragraphs(Some(&Text::plain("a\n\n\n\nb"))), ["a", "b"]);
    }
}
