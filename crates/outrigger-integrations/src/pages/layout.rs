//! What stands around the pages.

use askama::Template;
use http::request::Parts;

use super::Language;

/// One page, before a layout has been put around it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<'a> {
    /// Its title, as plain text.
    pub title: &'a str,
    /// The addresses of the style sheets that it needs.
    pub styles: &'a [String],
    /// The address of a style sheet for a document that has nothing else: the plain layout's own.
    pub plain_style: &'a str,
    /// The addresses of the scripts that it works better with; to be loaded with `defer`.
    pub scripts: &'a [String],
    /// The page itself, as HTML; it goes into a `main`.
    pub body: &'a str,
    /// In which language it is.
    pub language: &'a Language,
}

/// Puts the host's own head, navigation and foot around a page.
///
/// ```
/// use http::request::Parts;
/// use outrigger_integrations::pages::{Layout, Page};
///
/// struct Shop;
///
/// impl Layout for Shop {
///     fn wrap(&self, page: &Page<'_>, _: &Parts) -> String {
///         let styles: String = page.styles.iter().map(|url| format!(r#"<link rel="stylesheet" href="{url}">"#)).collect();
///         let scripts: String = page.scripts.iter().map(|url| format!(r#"<script src="{url}" defer></script>"#)).collect();
///         format!("<!doctype html><html lang=en><head>{styles}{scripts}</head><body><nav>Shop</nav><main>{}</main>", page.body)
///     }
/// }
/// ```
pub trait Layout: Send + Sync + 'static {
    /// The whole document. The parts have what the host's own middleware has put there.
    fn wrap(&self, page: &Page<'_>, parts: &Parts) -> String;

    /// The `Content-Security-Policy` that the document is sent with, if it is to have one from here. The pages need
    /// scripts, styles, pictures, forms and connections of their own origin, and nothing inline.
    fn content_security_policy(&self) -> Option<&str> {
        None
    }
}

/// The layout without anything of a host.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainLayout;

#[derive(Template)]
#[template(path = "pages/plain.html")]
struct Plain<'a> {
    language: &'a str,
    direction: &'static str,
    title: &'a str,
    styles: &'a [String],
    plain_style: &'a str,
    scripts: &'a [String],
    body: &'a str,
}

impl Layout for PlainLayout {
    fn wrap(&self, page: &Page<'_>, _: &Parts) -> String {
        let direction = if page.language.right_to_left { "rtl" } else { "ltr" };
        let Page { title, styles, plain_style, scripts, body, language } = page;
        super::render(&Plain { language: &language.tag, direction, title, styles, plain_style, scripts, body })
    }

    fn content_security_policy(&self) -> Option<&str> {
        Some(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
    }
}
