//! A snippet, with what a policy could say about it. Pure.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use lol_html::{RewriteStrSettings, element, rewrite_str, text};
use sha2::{Digest as _, Sha256};

use super::policy::Kind;
use crate::site::{PageSnippet, SnippetPosition};

#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(super) id: Arc<str>,
    pub(super) position: SnippetPosition,
    pub(super) html: Bytes,
    share: u8,
    pub(super) elements: Arc<[Element]>,
}

/// What of a snippet a policy decides about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    pub(super) kind: Kind,
    /// The address of what it loads; `None` for what stands in the page itself.
    pub(super) source: Option<String>,
    /// What stands in the page.
    pub(super) text: String,
}

impl Prepared {
    pub(super) fn new(snippet: &PageSnippet) -> Self {
        Self {
            id: snippet.id.as_str().into(),
            position: snippet.position,
            html: Bytes::copy_from_slice(snippet.html.as_bytes()),
            share: snippet.share,
            elements: elements(&snippet.html).into(),
        }
    }

    /// The same answer for the same visitor each time, and for more of them as the share grows.
    pub(super) fn is_for(&self, visitor: IpAddr) -> bool {
        if self.share >= 100 {
            return true;
        }
        let hash = match visitor {
            IpAddr::V4(v4) => Sha256::new().chain_update(v4.octets()),
            // Whoever has one address has the 2^64 of its network.
            IpAddr::V6(v6) => Sha256::new().chain_update(&v6.octets()[..8]),
        };
        let hash = hash.chain_update(self.id.as_bytes()).finalize();
        u16::from_be_bytes([hash[0], hash[1]]) % 100 < u16::from(self.share)
    }
}

/// All of them, one after the other.
pub(super) fn joined(snippets: &[Prepared], nonce: Option<&str>) -> Bytes {
    match (snippets, nonce) {
        ([only], None) => only.html.clone(),
        (all, None) => all
            .iter()
            .fold(BytesMut::new(), |mut sum, snippet| {
                sum.extend_from_slice(&snippet.html);
                sum
            })
            .freeze(),
        (all, Some(nonce)) => all.iter().map(|snippet| with_nonce(snippet, nonce)).collect::<String>().into(),
    }
}

fn with_nonce(snippet: &Prepared, nonce: &str) -> String {
    let html = String::from_utf8_lossy(&snippet.html);
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("script, style, link", |element| {
            // Cannot fail: `nonce` is an attribute's name.
            let _ = element.set_attribute("nonce", nonce);
            Ok(())
        }))
        .with_strict(false);
    rewrite_str(&html, settings).unwrap_or_else(|_| html.into_owned())
}

pub(super) fn elements(html: &str) -> Vec<Element> {
    let found: Rc<RefCell<Vec<Element>>> = Rc::default();
    let (of_element, of_text) = (found.clone(), found.clone());
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("script, style, link[rel=stylesheet]", |element| {
            let (kind, source) = match element.tag_name().as_str() {
                "script" => (Kind::Script, element.get_attribute("src")),
                "link" => (Kind::Style, element.get_attribute("href")),
                _ => (Kind::Style, None),
            };
            of_element.borrow_mut().push(Element { kind, source, text: String::new() });
            Ok(())
        }))
        .append_element_content_handler(text!("script, style", |chunk| {
            if let Some(last) = of_text.borrow_mut().last_mut() {
                last.text.push_str(chunk.as_str());
            }
            Ok(())
        }))
        .with_strict(false);
    // What cannot be read has no element that a browser would run.
    let _ = rewrite_str(html, settings);
    found.take()
}
