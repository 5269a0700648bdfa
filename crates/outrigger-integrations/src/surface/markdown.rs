//! A little Markdown: links, paragraphs, line breaks, code, emphasis. Everything else stays text.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};
use url::Url;

/// More than any text on a surface has.
const MAX_BYTES: usize = 64 * 1024;

/// The text as HTML that can stand anywhere. Links lead to `http`, `https` and `mailto` addresses and to paths, and open
/// where they are; what looks like HTML is shown as it is written.
///
/// ```
/// use outrigger_integrations::surface::markdown_to_html;
///
/// assert_eq!(markdown_to_html("Read the **[docs](https://example.com)**."),
///     "<p>Read the <strong><a href=\"https://example.com\" rel=\"noopener noreferrer nofollow\">docs</a></strong>.</p>");
/// assert_eq!(markdown_to_html("<b>no</b>"), "<p>&lt;b&gt;no&lt;/b&gt;</p>");
/// ```
pub fn markdown_to_html(markdown: &str) -> String {
    let end = markdown.floor_char_boundary(MAX_BYTES);
    let mut writer = Writer::default();
    Parser::new_ext(&markdown[..end], Options::empty()).for_each(|event| writer.write(event));
    writer.html.trim_end().to_owned()
}

#[derive(Default)]
struct Writer {
    html: String,
    /// Of each open link, whether it was written.
    links: Vec<bool>,
}

impl Writer {
    fn write(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(code) => {
                self.html.push_str("<code>");
                self.text(&code);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>\n"),
            _ => {}
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Emphasis => self.html.push_str("<em>"),
            Tag::Strong => self.html.push_str("<strong>"),
            Tag::CodeBlock(_) => self.html.push_str("<pre><code>"),
            Tag::Link { dest_url, .. } => self.begin_link(&dest_url),
            // What is in headings, quotes and items of lists is a paragraph.
            Tag::Paragraph | Tag::Heading { .. } | Tag::Item | Tag::HtmlBlock => self.html.push_str("<p>"),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis => self.html.push_str("</em>"),
            TagEnd::Strong => self.html.push_str("</strong>"),
            TagEnd::CodeBlock => self.html.push_str("</code></pre>\n"),
            TagEnd::Link if self.links.pop() == Some(true) => self.html.push_str("</a>"),
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::HtmlBlock => {
                self.html.truncate(self.html.trim_end().len());
                self.html.push_str("</p>\n");
            }
            _ => {}
        }
    }

    fn begin_link(&mut self, to: &CowStr<'_>) {
        let safe = is_safe(to);
        if safe {
            self.html.push_str("<a href=\"");
            self.text(to);
            self.html.push_str("\" rel=\"noopener noreferrer nofollow\">");
        }
        self.links.push(safe);
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                c => self.html.push(c),
            }
        }
    }
}

/// Whether a page may link there: to the web, to a mailbox, or to a path of our own.
pub(crate) fn is_safe(address: &str) -> bool {
    match Url::parse(address) {
        Ok(url) => matches!(url.scheme(), "http" | "https" | "mailto"),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let path = address.starts_with('/') && !address.starts_with("//");
            (path || address.starts_with('#')) && !address.contains(['\\', '\t', '\n', '\r'])
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn little_is_formatted_and_the_rest_is_text() {
        for (markdown, html) in [
            ("*one* and `two<`", "<p><em>one</em> and <code>two&lt;</code></p>"),
            ("a\n\nb  \nc", "<p>a</p>\n<p>b<br>\nc</p>"),
            ("```sh\nls > x\n```", "<pre><code>ls &gt; x\n</code></pre>"),
            ("# Big", "<p>Big</p>"),
            ("![picture](https://example.com/x.png)", "<p>picture</p>"),
            ("[a](javascript:alert(1))", "<p>a</p>"),
            ("[a](JaVaScRiPt:alert(1)) [b](//evil.example) [c](data:text/html,x)", "<p>a b c</p>"),
            ("[a](/sites/x)", "<p><a href=\"/sites/x\" rel=\"noopener noreferrer nofollow\">a</a></p>"),
            ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
            ("x <img src=x onerror=alert(1)>", "<p>x &lt;img src=x onerror=alert(1)&gt;</p>"),
            ("", ""),
        ] {
            assert_eq!(markdown_to_html(markdown), html, "{markdown}");
        }
    }

    proptest! {
        /// Whatever is written, only our own tags come out.
        #[test]
        fn no_other_tags_come_out(markdown in "(<|>|\\[|\\]|\\(|\\)|javascript:|\"|'|`|\\*|#|\n|[a-z ]|&|/|\\\\){0,60}") {
            let html = markdown_to_html(&markdown);
            for tag in html.split('<').skip(1) {
                let name = tag.trim_start_matches('/').split(['>', ' ']).next().unwrap();
                prop_assert!(["p", "em", "strong", "code", "pre", "a", "br"].contains(&name), "{}", html);
            }
            prop_assert!(!html.contains("href=\"javascript"), "{}", html);
        }
    }
}
