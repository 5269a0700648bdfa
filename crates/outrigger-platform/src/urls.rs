//! Every address that we give to somebody else is made here.

use outrigger_integrations::IntegrationId;
use url::Url;

mod page;

pub use page::{OwnPath, Page};

use crate::store::ids::InstanceId;
use crate::store::sites::Site;

/// Builds addresses from the public one.
#[derive(Debug, Clone)]
pub struct Urls {
    public: Url,
    base_domain: String,
    sites_scheme: String,
    sites_port: Option<u16>,
}

impl Urls {
    /// `public` is how clients reach us; sites are below `base_domain`, with scheme and port of `sites`.
    pub fn new(public: Url, base_domain: &str, sites: &Url) -> Self {
        let (base_domain, sites_scheme) = (base_domain.to_owned(), sites.scheme().to_owned());
        Self { public, base_domain, sites_scheme, sites_port: sites.port() }
    }

    /// The origin, without a slash at its end.
    pub fn origin(&self) -> &str {
        self.public.as_str().trim_end_matches('/')
    }

    /// Whether clients reach us over TLS.
    pub fn is_https(&self) -> bool {
        self.public.scheme() == "https"
    }

    /// Whether others than this machine reach us without TLS.
    pub fn is_exposed(&self) -> bool {
        let on_this_machine = match self.public.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        !self.is_https() && !on_this_machine
    }

    /// A page, for somebody who is not there yet.
    pub fn absolute(&self, page: &Page<'_>) -> String {
        format!("{}{page}", self.origin())
    }

    /// Base of the API, as `NETLIFY_API_URL` wants it: no slash at its end.
    pub fn api(&self) -> String {
        format!("{}/api/v1", self.origin())
    }

    /// The site itself.
    pub fn site(&self, site: &Site) -> String {
        let host = format!("{}://{}", self.sites_scheme, self.site_host(site));
        self.sites_port.map_or(host.clone(), |port| format!("{host}:{port}"))
    }

    /// The name of a site below the base domain.
    pub fn site_host(&self, site: &Site) -> String {
        format!("{}.{}", site.name, self.base_domain)
    }

    /// Whether a name is for the platform to give.
    pub fn is_below_base_domain(&self, host: &str) -> bool {
        host == self.base_domain || host.strip_suffix(&self.base_domain).is_some_and(|rest| rest.ends_with('.'))
    }

    /// Where people administer a site.
    pub fn site_admin(&self, site: &Site) -> String {
        self.absolute(&Page::Site(&site.name))
    }

    /// A POST to it asks for a build.
    pub fn build_hook(&self, id: &str) -> String {
        format!("{}/build_hooks/{id}", self.origin())
    }

    /// Where an integration's handlers and its build plugin are; no slash at its end.
    pub fn integration(&self, id: &IntegrationId) -> String {
        format!("{}/surfaces/{id}", self.origin())
    }

    /// Where the partner reports how an instance is doing.
    pub fn instance_callback(&self, id: &InstanceId, token: &str) -> String {
        format!("{}/api/v1/callbacks/{id}/{token}", self.origin())
    }
}
