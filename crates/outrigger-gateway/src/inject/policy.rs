//! Content Security Policy (CSP Level 3), as far as it decides about snippets. Pure.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::snippet::{Element, elements};

/// What kind of thing an element brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Script,
    Style,
}

impl Kind {
    /// The directives that decide, the first that is there alone (CSP section 6.8.3).
    fn directives(self) -> [&'static str; 3] {
        match self {
            Kind::Script => ["script-src-elem", "script-src", "default-src"],
            Kind::Style => ["style-src-elem", "style-src", "default-src"],
        }
    }
}

/// All policies of one header.
#[derive(Debug)]
pub(super) struct Policies(Vec<Policy>);

#[derive(Debug)]
struct Policy(Vec<Directive>);

#[derive(Debug)]
struct Directive {
    name: String,
    sources: Vec<String>,
}

impl Policies {
    pub(super) fn parse(text: &str) -> Self {
        Self(text.split(',').map(Policy::parse).filter(|policy| !policy.0.is_empty()).collect())
    }

    pub(super) fn nonce(&self) -> Option<&str> {
        let deciding = self
            .0
            .iter()
            .flat_map(|policy| [Kind::Script, Kind::Style].into_iter().filter_map(|kind| policy.deciding(kind)));
        deciding.flat_map(|directive| &directive.sources).find_map(|source| nonce(source))
    }

    /// Adds the hash of what stands in the page, where a directive allows by hash; true when something was added.
    pub(super) fn allow_hashes<'e>(&mut self, elements: impl Iterator<Item = &'e Element>) -> bool {
        let mut changed = false;
        for element in elements.filter(|element| element.source.is_none()) {
            for policy in &mut self.0 {
                let Some(name) = policy.deciding(element.kind).map(|directive| directive.name.clone()) else {
                    continue;
                };
                let deciding = policy.0.iter_mut().find(|directive| directive.name == name);
                if let Some(directive) = deciding.filter(|directive| directive.allows_by_hash()) {
                    directive.sources.push(hash(&element.text));
                    changed = true;
                }
            }
        }
        changed
    }
}

impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policies = self.0.iter().map(|policy| {
            let directives = policy.0.iter().map(|Directive { name, sources }| match sources.as_slice() {
                [] => name.clone(),
                sources => format!("{name} {}", sources.join(" ")),
            });
            directives.collect::<Vec<_>>().join("; ")
        });
        f.write_str(&policies.collect::<Vec<_>>().join(", "))
    }
}

impl Policy {
    fn parse(text: &str) -> Self {
        let mut directives: Vec<Directive> = Vec::new();
        for directive in text.split(';') {
            let mut words = directive.split_ascii_whitespace();
            let Some(name) = words.next().map(str::to_ascii_lowercase) else { continue };
            // The first of a name counts.
            if !directives.iter().any(|known| known.name == name) {
                directives.push(Directive { name, sources: words.map(str::to_owned).collect() });
            }
        }
        Self(directives)
    }

    fn deciding(&self, kind: Kind) -> Option<&Directive> {
        kind.directives().into_iter().find_map(|name| self.0.iter().find(|directive| directive.name == name))
    }
}

impl Directive {
    fn has(&self, keyword: &str) -> bool {
        self.sources.iter().any(|source| source.eq_ignore_ascii_case(keyword))
    }

    fn has_nonce(&self) -> bool {
        self.sources.iter().any(|source| nonce(source).is_some())
    }

    fn allows_by_hash(&self) -> bool {
        self.sources.iter().any(|source| {
            let source = source.to_ascii_lowercase();
            ["'sha256-", "'sha384-", "'sha512-"].iter().any(|begin| source.starts_with(begin))
        })
    }

    /// Whether the element is allowed, once it has the nonce or its hash is there.
    fn allows(&self, element: &Element) -> bool {
        let by_nonce = self.has_nonce();
        match &element.source {
            None => by_nonce || self.allows_by_hash() || self.has("'unsafe-inline'"),
            Some(_) if by_nonce => true,
            Some(_) if element.kind == Kind::Script && self.has("'strict-dynamic'") => false,
            Some(source) => self.sources.iter().any(|allowed| matches_source(allowed, source)),
        }
    }
}

fn nonce(source: &str) -> Option<&str> {
    let begin = source.get(..7).filter(|begin| begin.eq_ignore_ascii_case("'nonce-"))?;
    source[begin.len()..].strip_suffix('\'').filter(|nonce| !nonce.is_empty())
}

fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// Whether a source expression allows an address (CSP section 6.7.2). An address without a host is the site's own.
fn matches_source(allowed: &str, address: &str) -> bool {
    let address = if address.starts_with("//") { format!("https:{address}") } else { address.to_owned() };
    let Ok(url) = Url::parse(&address) else { return allowed.eq_ignore_ascii_case("'self'") || allowed == "*" };
    let is_web = matches!(url.scheme(), "http" | "https");
    if allowed == "*" {
        return is_web;
    }
    if let Some(scheme) = allowed.strip_suffix(':') {
        return scheme.eq_ignore_ascii_case(url.scheme())
            || scheme.eq_ignore_ascii_case("http") && url.scheme() == "https";
    }
    let (scheme, rest) = allowed.split_once("://").map_or((None, allowed), |(scheme, rest)| (Some(scheme), rest));
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let scheme_fits = scheme.is_none_or(|scheme| scheme == url.scheme() || scheme == "http" && url.scheme() == "https");
    let own_host = url.host_str().unwrap_or_default();
    let host_fits = match host.strip_prefix("*.") {
        Some(parent) => own_host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.')),
        None => host.eq_ignore_ascii_case(own_host),
    };
    let port_fits = match port {
        Some("*") => true,
        Some(port) => url.port_or_known_default().is_some_and(|own| own.to_string() == port),
        None => url.port().is_none(),
    };
    let path_fits = path.is_none_or(|path| match url.path().trim_start_matches('/') {
        own if path.is_empty() || path.ends_with('/') => own.starts_with(path),
        own => own == path,
    });
    is_web && scheme_fits && host_fits && port_fits && path_fits
}

/// What of a snippet a browser would not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The element, as people call it: `<script src="https://…">`, or `an inline <style>`.
    pub element: String,
    /// The directive that blocks it, with its sources.
    pub directive: String,
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is blocked by `{}`", self.element, self.directive)
    }
}

/// What of a snippet a `Content-Security-Policy` blocks, though the gateway adds nonces and hashes where the policy
/// works with them. The policy may be a list with commas. Each element is named once.
///
/// ```
/// use outrigger_gateway::blocked;
///
/// let snippet = "<script>count()</script><script src=\"https://cdn.example/a.js\"></script>";
/// assert!(blocked("script-src 'nonce-abc'", snippet).is_empty());
/// let blocked = blocked("script-src 'self' https://cdn.example", snippet);
/// assert_eq!(blocked[0].element, "an inline <script>");
/// assert_eq!(blocked.len(), 1);
/// ```
pub fn blocked(policy: &str, snippet: &str) -> Vec<Blocked> {
    let policies = Policies::parse(policy);
    let blocking = |element: &Element| {
        let mut deciding = policies.0.iter().filter_map(|policy| policy.deciding(element.kind));
        let directive = deciding.find(|directive| !directive.allows(element))?;
        let directive = format!("{} {}", directive.name, directive.sources.join(" "));
        Some(Blocked { element: named(element), directive: directive.trim_end().to_owned() })
    };
    elements(snippet).iter().filter_map(blocking).collect()
}

fn named(element: &Element) -> String {
    match (element.kind, &element.source) {
        (Kind::Script, Some(source)) => format!("<script src=\"{source}\">"),
        (Kind::Style, Some(source)) => format!("<link rel=\"stylesheet\" href=\"{source}\">"),
        (Kind::Script, None) => "an inline <script>".to_owned(),
        (Kind::Style, None) => "an inline <style>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INLINE: &str = "<script>a()</script>";

    fn names(policy: &str, snippet: &str) -> Vec<String> {
        blocked(policy, snippet).into_iter().map(|blocked| blocked.element).collect()
    }

    #[test]
    fn what_stands_in_the_page_needs_a_nonce_a_hash_or_a_lax_policy() {
        for allowing in [
            "",
            "img-src 'none'",
            "script-src 'unsafe-inline'",
            "default-src 'none'; script-src 'nonce-a'",
            "script-src 'sha256-AAAA'",
            "script-src-elem 'nonce-a'; script-src 'none'",
        ] {
            assert_eq!(names(allowing, INLINE), Vec::<String>::new(), "{allowing}");
        }
        for blocking in [
            "script-src 'self'",
            "default-src *",
            "script-src",
            "script-src 'nonce-'",
            "default-src 'nonce-a', script-src 'self'",
        ] {
            assert_eq!(names(blocking, INLINE), ["an inline <script>"], "{blocking}");
        }
        assert_eq!(names("style-src 'self'", "<style>a{}</style>"), ["an inline <style>"]);
    }

    #[test]
    fn what_is_loaded_needs_its_address() {
        let script = |address: &str| format!("<script src=\"{address}\"></script>");
        for (policy, address) in [
            ("script-src *", "https://cdn.example/a.js"),
            ("script-src https:", "https://cdn.example/a.js"),
            ("script-src cdn.example", "https://cdn.example/a.js"),
            ("script-src *.example", "https://cdn.example/a.js"),
            ("script-src https://cdn.example/lib/", "https://cdn.example/lib/a.js"),
            ("script-src https://cdn.example:8443", "https://cdn.example:8443/a.js"),
            ("script-src 'self'", "/a.js"),
            ("script-src 'nonce-a' 'strict-dynamic'", "https://cdn.example/a.js"),
            ("script-src cdn.example", "//cdn.example/a.js"),
        ] {
            assert!(names(policy, &script(address)).is_empty(), "{policy} {address}");
        }
        for (policy, address) in [
            ("script-src 'none'", "https://cdn.example/a.js"),
            ("script-src other.example", "https://cdn.example/a.js"),
            ("script-src *.cdn.example", "https://cdn.example/a.js"),
            ("script-src https://cdn.example/lib/", "https://cdn.example/a.js"),
            ("script-src cdn.example", "https://cdn.example:8443/a.js"),
            ("script-src https:", "http://cdn.example/a.js"),
            ("script-src 'self'", "https://cdn.example/a.js"),
            ("script-src cdn.example 'strict-dynamic' 'sha256-AA'", "https://cdn.example/a.js"),
        ] {
            assert_eq!(names(policy, &script(address)).len(), 1, "{policy} {address}");
        }
    }

    #[test]
    fn a_hash_goes_where_hashes_decide_and_nowhere_else() {
        let fit = |policy: &str| {
            let mut policies = Policies::parse(policy);
            let changed = policies.allow_hashes(elements(INLINE).iter());
            (changed, policies.to_string())
        };
        let own = hash("a()");
        assert_eq!(fit("script-src 'self'"), (false, "script-src 'self'".to_owned()));
        assert_eq!(
            fit("default-src 'sha256-AA'; img-src *"),
            (true, format!("default-src 'sha256-AA' {own}; img-src *"))
        );
        let two = fit("script-src 'sha384-AA', script-src 'self'");
        assert_eq!(two, (true, format!("script-src 'sha384-AA' {own}, script-src 'self'")));
    }

    proptest::proptest! {
        #[test]
        fn any_policy_and_snippet_is_answered(policy in ".{0,80}", snippet in "[<>a-z/\"'= ]{0,80}") {
            let _ = blocked(&policy, &snippet);
        }
    }
}
