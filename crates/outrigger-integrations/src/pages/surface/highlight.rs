//! Source text with colours: a tokenizer that is good enough for the few lines of a snippet, in any language whose
//! strings, comments and words look like those of the usual ones.

use std::fmt::Write as _;

const WORDS: &[&str] = &[
    "as", "async", "await", "const", "def", "else", "enum", "export", "false", "fn", "for", "from", "function", "if",
    "impl", "import", "in", "let", "match", "mod", "mut", "new", "null", "None", "pub", "query", "return", "self",
    "struct", "true", "True", "False", "type", "use", "var", "while", "with",
];

/// The text as HTML: spans for strings, comments, words of the language and numbers.
pub(super) fn highlight(code: &str, language: &str) -> String {
    let mut html = String::with_capacity(code.len() * 2);
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let (class, length) = token(rest, first, language);
        let (text, after) = rest.split_at(length);
        span(&mut html, class, text);
        rest = after;
    }
    html
}

/// What stands at the beginning of a text, and how long it is.
fn token(text: &str, first: char, language: &str) -> (&'static str, usize) {
    if let Some(length) = comment(text, language) {
        return ("comment", length);
    }
    match first {
        '"' | '`' => ("string", quoted(text, first)),
        '\'' if is_quotation(text, language) => ("string", quoted(text, first)),
        '0'..='9' => ("number", text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(text.len())),
        c if c.is_alphabetic() || c == '_' => {
            let length = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
            (if WORDS.contains(&&text[..length]) { "word" } else { "" }, length)
        }
        c => ("", c.len_utf8()),
    }
}

fn comment(text: &str, language: &str) -> Option<usize> {
    let line = || Some(text.find('\n').unwrap_or(text.len()));
    let until = |end: &str| Some(text[2..].find(end).map_or(text.len(), |at| 2 + at + end.len()));
    match language {
        "html" if text.starts_with("<!--") => until("-->"),
        "python" | "py" | "bash" | "sh" | "graphql" | "toml" if text.starts_with('#') => line(),
        "html" | "python" | "py" | "bash" | "sh" | "graphql" | "toml" => None,
        _ if text.starts_with("/*") => until("*/"),
        "css" => None,
        _ if text.starts_with("//") => line(),
        _ => None,
    }
}

/// Whether an apostrophe begins a string, and not a lifetime or the end of a word.
fn is_quotation(text: &str, language: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let length = quoted(line, '\'');
    line.len() > 1 && line[..length].ends_with('\'') && length > 1 && (language != "rust" || length <= 4)
}

/// To the quote that ends it, or to its end.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn span(html: &mut String, class: &str, text: &str) {
    if !class.is_empty() {
        let _ = write!(html, "<span class=\"og-code-{class}\">");
    }
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
    if !class.is_empty() {
        html.push_str("</span>");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_comments_words_and_numbers_stand_out() {
        let html = highlight("const a = \"x\\\"<\"; // it's\nlet b = 12;", "js");
        let expected = "<span class=\"og-code-word\">const</span> a = \
                        <span class=\"og-code-string\">&quot;x\\&quot;&lt;&quot;</span>; \
                        <span class=\"og-code-comment\">// it's</span>\n\
                        <span class=\"og-code-word\">let</span> b = <span class=\"og-code-number\">12</span>;";
        assert_eq!(html, expected);
        assert!(highlight("fn f<'a>(x: &'a str) {}", "rust").contains("&amp;'a str"));
        assert!(highlight("# no", "python").contains("comment") && !highlight("# no", "js").contains("comment"));
    }

    proptest! {
        /// Without the spans it is the text, escaped.
        #[test]
        fn nothing_is_lost(code in "\\PC{0,40}[\"'`/*#<>\\\\\n]{0,6}\\PC{0,40}", language in "js|html|css|python|rust") {
            let html = highlight(&code, &language);
            let plain = html.replace("</span>", "");
            let plain: String = plain.split("<span class=\"").enumerate()
                .map(|(at, part)| if at == 0 { part } else { part.split_once("\">").unwrap().1 }).collect();
            let back = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            prop_assert_eq!(back, code);
        }
    }
}
