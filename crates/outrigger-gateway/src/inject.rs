//! Snippets in the pages of a site: which answers get them, for whom, and what the answer's head says then.
//!
//! Only whole HTML documents that somebody navigates to are changed, never parts that a script fetches. A site with
//! snippets sends its pages whole each time, without `ETag` and `Last-Modified`: a snippet that is switched off must
//! not live on in browsers that ask whether their page is still fresh. They are compressed here, once they are changed.

mod begin;
mod head;
mod page;
mod policy;
mod preview;
mod snippet;
mod stream;
mod tail;

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

pub use policy::{Blocked, blocked};
pub use preview::{Insertion, Preview, preview};
use snippet::Prepared;
use stream::Coding;
pub(crate) use stream::Injected;

use crate::body::Body;
use crate::site::{PageSnippet, SnippetPosition};
use policy::Policies;

/// Says which snippets are in a page already, so that a gateway behind another one puts none into it twice.
const IN_THE_PAGE: HeaderName = HeaderName::from_static("x-snippets");

const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The snippets of a site.
#[derive(Debug)]
pub(crate) struct Snippets(Vec<Prepared>);

/// What goes into one page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Additions {
    head: Vec<Prepared>,
    footer: Vec<Prepared>,
    nonce: Option<String>,
}

impl Snippets {
    /// `None` for a site whose pages stay as they are.
    pub(crate) fn new(snippets: &[PageSnippet]) -> Option<Self> {
        let prepared: Vec<Prepared> = snippets
            .iter()
            .filter(|snippet| snippet.share > 0 && !snippet.html.is_empty())
            .map(Prepared::new)
            .collect();
        (!prepared.is_empty()).then_some(Self(prepared))
    }

    fn for_visitor(&self, visitor: IpAddr, in_the_page: &str) -> Additions {
        let is_in = |snippet: &&Prepared| in_the_page.split_whitespace().any(|id| id == &*snippet.id);
        let mut additions = Additions::default();
        for snippet in self.0.iter().filter(|snippet| snippet.is_for(visitor) && !is_in(snippet)) {
            additions.put(snippet.clone());
        }
        additions
    }
}

impl Additions {
    fn of(snippets: &[PageSnippet]) -> Self {
        let mut additions = Self::default();
        snippets.iter().filter(|snippet| snippet.share > 0).for_each(|snippet| additions.put(Prepared::new(snippet)));
        additions
    }

    fn put(&mut self, snippet: Prepared) {
        match snippet.position {
            SnippetPosition::Head => self.head.push(snippet),
            SnippetPosition::Footer => self.footer.push(snippet),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Prepared> {
        self.head.iter().chain(&self.footer)
    }

    fn is_empty(&self) -> bool {
        self.head.is_empty() && self.footer.is_empty()
    }

    /// The nonce that a policy in the page itself gives counts where no header gives one.
    fn head(&self, nonce_of_page: Option<&str>) -> Bytes {
        snippet::joined(&self.head, self.nonce.as_deref().or(nonce_of_page))
    }

    fn footer(&self, nonce_of_page: Option<&str>) -> Bytes {
        snippet::joined(&self.footer, self.nonce.as_deref().or(nonce_of_page))
    }
}

/// A request for a page of its own, not for a part of one.
pub(crate) struct Navigation<'s> {
    snippets: &'s Snippets,
    visitor: IpAddr,
    /// Only for what the answer's head would be.
    is_head: bool,
    /// The codings that the client understands.
    accept_encoding: Option<HeaderValue>,
}

impl<'s> Navigation<'s> {
    pub(crate) fn of(
        snippets: &'s Snippets,
        method: &Method,
        headers: &HeaderMap,
        visitor: impl FnOnce() -> IpAddr,
    ) -> Option<Self> {
        const OF_SCRIPTS: [HeaderName; 4] = [
            HeaderName::from_static("hx-request"),
            HeaderName::from_static("turbo-frame"),
            HeaderName::from_static("x-pjax"),
            HeaderName::from_static("x-requested-with"),
        ];
        let is_page = may_be_page(headers)
            && matches!(*method, Method::GET | Method::HEAD)
            && !OF_SCRIPTS.iter().any(|name| headers.contains_key(name));
        let accept_encoding = headers.get(header::ACCEPT_ENCODING).cloned();
        is_page.then(|| Self { snippets, visitor: visitor(), is_head: *method == Method::HEAD, accept_encoding })
    }

    /// A page that is going to be changed is asked for whole and, if the origin heeds that, uncompressed. What may as
    /// well be no page is asked for as it was.
    pub(crate) fn ask(&self, headers: &mut HeaderMap) {
        if !is_surely_page(headers) {
            return;
        }
        for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_MATCH, header::IF_UNMODIFIED_SINCE] {
            headers.remove(name);
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }

    /// Puts the snippets into the answer, if it is a page.
    pub(crate) async fn inject(self, response: Response<Body>) -> Response<Body> {
        let in_the_page = response.headers().get(IN_THE_PAGE).and_then(|ids| ids.to_str().ok()).unwrap_or_default();
        let mut additions = self.snippets.for_visitor(self.visitor, in_the_page);
        let coding = Coding::of(response.headers()).filter(|_| !additions.is_empty() && is_page(&response, &additions));
        let Some(coding) = coding else { return response };
        let (mut head, body) = response.into_parts();
        additions.nonce = fit_policies(&mut head.headers, &additions);
        fit_head(&mut head.headers, &additions);
        if self.is_head {
            return Response::from_parts(head, body);
        }
        Injected::answer(head, body, coding, additions, self.accept_encoding).await
    }
}

/// What a browser says it needs the answer for; browsers do not say so to a server without HTTPS.
fn destination(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(SEC_FETCH_DEST).map(HeaderValue::as_bytes)
}

fn may_be_page(headers: &HeaderMap) -> bool {
    let accepts = |kind: &str| headers.get(header::ACCEPT).is_some_and(|accept| names(accept, kind));
    match destination(headers) {
        Some(to) => matches!(to, b"document" | b"iframe" | b"frame"),
        None => !headers.contains_key(header::ACCEPT) || accepts("text/html") || accepts("*/*"),
    }
}

/// Browsers name HTML where they open a page, and nowhere else.
fn is_surely_page(headers: &HeaderMap) -> bool {
    destination(headers).is_some() || headers.get(header::ACCEPT).is_some_and(|accept| names(accept, "text/html"))
}

/// Whether a list of media ranges has this one in it.
fn names(accept: &HeaderValue, kind: &str) -> bool {
    let range = |part: &str| part.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind);
    accept.to_str().is_ok_and(|accept| accept.split(',').any(range))
}

fn is_page(response: &Response<Body>, additions: &Additions) -> bool {
    let headers = response.headers();
    let status = response.status();
    let has_body = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT);
    let is_fixed = headers.get_all(header::CACHE_CONTROL).iter().any(|value| has_directive(value, "no-transform"));
    let is_html = headers.get(header::CONTENT_TYPE).is_some_and(|value| is_html(value, additions));
    has_body && !status.is_informational() && is_html && !is_fixed && !headers.contains_key(header::CONTENT_RANGE)
}

fn has_directive(value: &HeaderValue, wanted: &str) -> bool {
    value.to_str().is_ok_and(|text| text.split(',').any(|directive| directive.trim().eq_ignore_ascii_case(wanted)))
}

/// HTML in an encoding in which ASCII is ASCII. What is inserted is UTF-8, so other encodings take ASCII only.
fn is_html(value: &HeaderValue, additions: &Additions) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let text = text.to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let is_html = matches!(parts.next(), Some("text/html" | "application/xhtml+xml"));
    let charset = parts.find_map(|part| part.strip_prefix("charset=")).map(|charset| charset.trim_matches('"'));
    let fits = match charset {
        None | Some("utf-8" | "utf8") => true,
        Some("us-ascii") => additions.all().all(|snippet| snippet.html.is_ascii()),
        Some(other) if other.starts_with("iso-8859-") || other.starts_with("windows-125") => {
            additions.all().all(|snippet| snippet.html.is_ascii())
        }
        Some(_) => false,
    };
    is_html && fits
}

/// Lets the policies of the page allow what is added, where they allow by nonce or hash; gives the nonce.
fn fit_policies(headers: &mut HeaderMap, additions: &Additions) -> Option<String> {
    let mut nonce = None;
    for name in [header::CONTENT_SECURITY_POLICY, header::CONTENT_SECURITY_POLICY_REPORT_ONLY] {
        let values: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
        let Some((first, others)) = values.split_first() else { continue };
        headers.insert(&name, fitting(first, additions, &mut nonce));
        for value in others {
            headers.append(&name, fitting(value, additions, &mut nonce));
        }
    }
    nonce
}

fn fitting(value: &HeaderValue, additions: &Additions, nonce: &mut Option<String>) -> HeaderValue {
    let Ok(text) = value.to_str() else { return value.clone() };
    let mut policies = Policies::parse(text);
    *nonce = nonce.take().or_else(|| policies.nonce().map(str::to_owned));
    let changed = policies.allow_hashes(additions.all().flat_map(|snippet| snippet.elements.iter()));
    changed.then(|| policies.to_string().parse().ok()).flatten().unwrap_or_else(|| value.clone())
}

/// What is true only of the bytes that the origin sent.
const OF_OTHER_BYTES: [HeaderName; 8] = [
    header::CONTENT_LENGTH,
    header::ETAG,
    header::LAST_MODIFIED,
    header::ACCEPT_RANGES,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

fn fit_head(headers: &mut HeaderMap, additions: &Additions) {
    for name in OF_OTHER_BYTES {
        headers.remove(name);
    }
    let ids: Vec<&str> = additions.all().map(|snippet| &*snippet.id).collect();
    if let Ok(ids) = HeaderValue::try_from(ids.join(" ")) {
        headers.append(IN_THE_PAGE, ids);
    }
}
