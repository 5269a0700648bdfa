//! Texts that follow from the names and comments in the source.

use syn::ext::IdentExt;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta};

/// The name of a field as it is stored: `type` for `r#type`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// `post_as` as people read it: `Post as`.
pub(crate) fn label(name: &str) -> String {
    let mut words = name.replace('_', " ").trim().to_owned();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// `OnlyFailures` as it is stored: `only_failures`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut words = String::new();
    for char in name.chars() {
        if char.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.extend(char.to_lowercase());
    }
    words
}

/// The doc comment: its lines as one, a blank line between paragraphs.
pub(crate) fn doc_comment(attributes: &[Attribute]) -> Option<String> {
    let lines = attributes.iter().filter_map(doc_line);
    let mut text = String::new();
    let mut new_paragraph = false;
    for line in lines {
        let line = line.trim();
        if line.is_empty() {
            new_paragraph = true;
            continue;
        }
        if !text.is_empty() {
            text.push_str(if new_paragraph { "\n\n" } else { " " });
        }
        new_paragraph = false;
        text.push_str(line);
    }
    (!text.is_empty()).then_some(text)
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(doc) = &attribute.meta else { return None };
    if !doc.path.is_ident("doc") {
        return None;
    }
    match &doc.value {
        Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value()),
        _ => None,
    }
}
