//! An add-on on a site, ready to be called: where it is, and the headers that prove who calls. Pure but for the cache
//! of the last signature.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use outrigger_addon::proxied::RequestClaims;
use outrigger_addon::signature::sign;
use serde_json::Value;
use url::Url;

use crate::headers::ProofNames;
use crate::meters::Meters;
use crate::settings::{Destination, Settings};
use crate::site::{Mount, Site};
use crate::upstream::{Upstream, Upstreams};

/// A server and a path on it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) destination: Destination,
    pub(crate) https: bool,
    pub(crate) host: Box<str>,
    pub(crate) port: u16,
    /// Host, and port where it is not the scheme's own: what `Host` says.
    pub(crate) authority: HeaderValue,
    /// Without the slash at its end, unless that is what the endpoint itself has.
    path: Box<str>,
    query: Option<Box<str>>,
    /// The connections to this server, once there were any.
    upstream: OnceLock<Arc<Upstream>>,
}

impl Endpoint {
    pub(crate) fn new(url: &Url, destination: Destination) -> Result<Self, String> {
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err("must be a http or https URL".to_owned()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not have a user name or password in its URL".to_owned());
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err("names no host".to_owned());
        };
        let authority = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self {
            destination,
            https,
            host: host.into(),
            port,
            authority: HeaderValue::from_str(&authority).map_err(|_| "names a host that no header can hold")?,
            path: url.path().into(),
            query: url.query().filter(|query| !query.is_empty()).map(Into::into),
            upstream: OnceLock::new(),
        })
    }

    /// The server, which all endpoints on it share.
    pub(crate) fn upstream(&self, upstreams: &Upstreams) -> &Arc<Upstream> {
        self.upstream.get_or_init(|| upstreams.of(self))
    }

    /// The path under which the endpoint's own begin, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        self.path.strip_suffix('/').unwrap_or(&self.path)
    }

    /// The target for `rest`, which has no slash in front: the endpoint itself where it is empty.
    pub(crate) fn target_below(&self, rest: &str, query: Option<&str>) -> String {
        if rest.is_empty() {
            self.with_query(&[&self.path], query)
        } else {
            self.with_query(&[self.base(), "/", rest], query)
        }
    }

    /// The target for a path of a site whose origin this is.
    pub(crate) fn target_at(&self, path: &str, query: Option<&str>) -> String {
        self.with_query(&[self.base(), path], query)
    }

    fn with_query(&self, path: &[&str], query: Option<&str>) -> String {
        let mut target = path.concat();
        for (at, query) in [self.query.as_deref(), query].into_iter().flatten().enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            target.push_str(query);
        }
        target
    }
}

#[derive(Debug)]
pub(crate) struct Mounted {
    pub(crate) slug: Box<str>,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) proof: Proof,
    pub(crate) meters: OnceLock<Arc<Meters>>,
    place: OnceLock<Place>,
}

/// Where an add-on is on its site.
#[derive(Debug)]
pub(crate) struct Place {
    /// Without a slash at its end.
    pub(crate) path: String,
    /// `None` for a name that no header can hold.
    pub(crate) header: Option<HeaderValue>,
}

impl Mounted {
    pub(crate) fn new(site: &Site, mount: &Mount) -> Result<Self, String> {
        if mount.slug.is_empty() || mount.slug.contains('/') {
            return Err("must have a name without slashes".to_owned());
        }
        let endpoint = mount
            .endpoint
            .as_ref()
            .map(|url| Endpoint::new(url, Destination::AddOn).map_err(|fault| format!("{fault} (endpoint)")));
        Ok(Self {
            slug: mount.slug.as_str().into(),
            endpoint: endpoint.transpose()?,
            proof: Proof::new(site, mount)?,
            meters: OnceLock::new(),
            place: OnceLock::new(),
        })
    }

    pub(crate) fn place(&self, path_prefix: &str) -> &Place {
        self.place.get_or_init(|| {
            let path = format!("{path_prefix}{}", self.slug);
            Place { header: HeaderValue::from_str(&path).ok(), path }
        })
    }
}

/// What tells an add-on that a request is from us, and for which of its instances.
pub(crate) struct Proof {
    claims: RequestClaims,
    secret: Box<str>,
    uuid: HeaderValue,
    id: HeaderValue,
    site_url: HeaderValue,
    last: ArcSwapOption<Signed>,
}

struct Signed {
    exp: i64,
    value: HeaderValue,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl Proof {
    fn new(site: &Site, mount: &Mount) -> Result<Self, String> {
        if mount.secret.trim().is_empty() {
            return Err("has no secret to sign with".to_owned());
        }
        let value = |what: &str, text: &str| {
            HeaderValue::from_str(text).map_err(|_| format!("has a {what} that no header can hold"))
        };
        let claims = RequestClaims {
            site_url: Some(site.url.clone()),
            id: Some(mount.instance_id.clone()),
            netlify_id: Some(mount.netlify_id.clone()),
            function_hooks: site.function_hooks.clone(),
            ..RequestClaims::expiring(0)
        };
        Ok(Self {
            claims,
            secret: mount.secret.as_str().into(),
            uuid: value("uuid", &mount.netlify_id)?,
            id: value("id", &mount.instance_id)?,
            site_url: value("site's URL", &site.url)?,
            last: ArcSwapOption::empty(),
        })
    }

    /// Puts the headers in place that prove a request at this time.
    pub(crate) fn put(&self, headers: &mut HeaderMap, names: &ProofNames, now: Timestamp, settings: &Settings) {
        headers.insert(&names.uuid, self.uuid.clone());
        headers.insert(&names.id, self.id.clone());
        headers.insert(&names.site_url, self.site_url.clone());
        headers.insert(&names.sign, self.signature(now, settings));
    }

    /// Signs the claims of a user for this add-on.
    pub(crate) fn vouch(&self, claims: &Value) -> String {
        sign(claims, &self.secret)
    }

    /// The signature of the last request while it may be used again, else a new one.
    fn signature(&self, now: Timestamp, settings: &Settings) -> HeaderValue {
        let whole_seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 4);
        let exp = now.as_second().saturating_add(whole_seconds(settings.signature_lifetime));
        let reusable = exp.saturating_sub(whole_seconds(settings.signature_reuse));
        if let Some(signed) = self.last.load().as_ref()
            && (reusable < signed.exp && signed.exp <= exp)
        {
            return signed.value.clone();
        }
        let signature = sign(&RequestClaims { exp, ..self.claims.clone() }, &self.secret);
        // A compact JWS is base64url and dots: always a header's value.
        let value = HeaderValue::try_from(signature).unwrap_or_else(|_| HeaderValue::from_static(""));
        if !settings.signature_reuse.is_zero() {
            self.last.store(Some(Arc::new(Signed { exp, value: value.clone() })));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint::new(&url.parse().unwrap(), Destination::AddOn).unwrap()
    }

    #[test]
    fn the_rest_of_a_path_goes_below_the_endpoints_own() {
        let check = |url: &str, rest: &str, query: Option<&str>, expected: &str| {
            assert_eq!(endpoint(url).target_below(rest, query), expected, "{url} {rest}");
        };
        check("http://up/xyz/status", "", None, "/xyz/status");
        check("http://up/xyz/status/", "", None, "/xyz/status/");
        check("http://up/xyz/status", "a/b", Some("q=1"), "/xyz/status/a/b?q=1");
        check("http://up/xyz/status/", "/a", None, "/xyz/status//a");
        check("http://up", "", Some(""), "/?");
        check("http://up", "a", None, "/a");
        check("http://up/x?key=1", "a", Some("q=2"), "/x/a?key=1&q=2");
        check("http://up/x?key=1", "", None, "/x?key=1");
        assert_eq!(endpoint("http://up/base/").target_at("/a", None), "/base/a");
        assert_eq!(endpoint("http://up").target_at("/", Some("q")), "/?q");
    }

    #[test]
    fn a_signature_is_used_again_only_for_its_time() {
        let site = Site {
            id: "1".into(),
            url: "https://shop.example".into(),
            hosts: vec![],
            origin: None,
            identity: None,
            function_hooks: None,
            mounts: vec![],
            snippets: vec![],
        };
        let mount = Mount {
            slug: "tally".into(),
            endpoint: None,
            secret: "s".into(),
            instance_id: "i".into(),
            netlify_id: "u".into(),
        };
        let proof = Proof::new(&site, &mount).unwrap();
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        let reuse = |seconds: u64| Settings { signature_reuse: Duration::from_secs(seconds), ..Settings::default() };
        let first = proof.signature(at(0), &reuse(30));
        assert_eq!(proof.signature(at(29), &reuse(30)), first);
        assert_ne!(proof.signature(at(30), &reuse(30)), first);
        assert_ne!(proof.signature(at(29), &reuse(30)), first, "a clock that was set back makes none last longer");
        assert_ne!(proof.signature(at(40), &reuse(0)), proof.signature(at(41), &reuse(0)));
        let mut headers = HeaderMap::new();
        proof.put(&mut headers, &ProofNames::new("x-nf-").unwrap(), at(50), &reuse(0));
        let texts = ["x-nf-uuid", "x-nf-id", "x-nf-site-url"].map(|name| headers[name].to_str().unwrap().to_owned());
        assert_eq!(texts, ["u", "i", "https://shop.example"]);
    }
}
