//! What a page would become, for people to look at before it does. Pure.

use bytes::Bytes;
use http::{HeaderMap, header};

use super::policy::{Blocked, blocked};
use super::{Additions, fit_policies, page::Page};
use crate::site::{PageSnippet, SnippetPosition};

/// A page with snippets in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The page as a visitor would get it.
    pub page: Vec<u8>,
    /// What was put in, in the order of the page. Nothing: it is no whole HTML document, and stays as it is.
    pub insertions: Vec<Insertion>,
    /// What of the snippets the page's policies block.
    pub blocked: Vec<Blocked>,
}

/// Something that was put into a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    /// Before which byte of the page it stands.
    pub at: usize,
    /// What it is.
    pub html: String,
}

/// Puts snippets into a page as the gateway does. The headers are those of the page's answer, of which only the
/// policies are read; whoever calls has seen that it is an HTML document that is not compressed.
///
/// ```
/// use http::HeaderMap;
/// use outrigger_gateway::{PageSnippet, SnippetPosition, preview};
///
/// let counter = PageSnippet {
///     id: "1".into(),
///     position: SnippetPosition::Head,
///     html: "<script src=\"/count.js\"></script>".into(),
///     share: 100,
/// };
/// let shown = preview(&HeaderMap::new(), b"<!doctype html><title>Shop</title><p>Hello", &[counter]);
/// assert_eq!(shown.page, b"<!doctype html><title>Shop</title><script src=\"/count.js\"></script><p>Hello");
/// assert_eq!((shown.insertions[0].at, shown.blocked.len()), (34, 0));
/// ```
pub fn preview(headers: &HeaderMap, page: &[u8], snippets: &[PageSnippet]) -> Preview {
    let at =
        |position| snippets.iter().filter(move |snippet| snippet.position == position).cloned().collect::<Vec<_>>();
    let only = [at(SnippetPosition::Head), at(SnippetPosition::Footer)];
    let insertions = only.iter().filter_map(|only| insertion(page, &changed(headers, page, only))).collect();
    let policies = headers.get_all(header::CONTENT_SECURITY_POLICY).iter().filter_map(|policy| policy.to_str().ok());
    let blocked = policies.flat_map(|policy| snippets.iter().flat_map(move |snippet| blocked(policy, &snippet.html)));
    Preview { page: changed(headers, page, snippets), insertions, blocked: blocked.collect() }
}

fn changed(headers: &HeaderMap, page: &[u8], snippets: &[PageSnippet]) -> Vec<u8> {
    let mut additions = Additions::of(snippets);
    additions.nonce = fit_policies(&mut headers.clone(), &additions);
    let mut changed = Page::new(additions);
    changed.push(Bytes::copy_from_slice(page));
    changed.end();
    std::iter::from_fn(|| changed.next()).flatten().collect()
}

/// The one thing that was put into it.
fn insertion(page: &[u8], changed: &[u8]) -> Option<Insertion> {
    let added = changed.len().checked_sub(page.len()).filter(|added| *added > 0)?;
    let different = page.iter().zip(changed).position(|(before, after)| before != after).unwrap_or(page.len());
    // What was put in may begin as what follows it does; then there are several places that would explain the
    // difference, and the one that a tag begins at is meant.
    let explaining = || (0..=different).rev().filter(|at| page[*at..] == changed[at + added..]);
    let at = explaining().find(|at| changed[*at] == b'<').or_else(|| explaining().next())?;
    Some(Insertion { at, html: String::from_utf8_lossy(&changed[at..at + added]).into_owned() })
}
