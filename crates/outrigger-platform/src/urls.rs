//! Every address that we give to somebody else is made here.

use url::Url;

use crate::store::ids::InstanceId;
use crate::store::sites::Site;

/// Builds addresses from the public one.
#[derive(Debug, Clone)]
pub struct Urls {
    public: Url,
    base_domain: String,
}

impl Urls {
    /// `public` is how clients reach us, sites are below `base_domain`.
    pub fn new(public: Url, base_domain: &str) -> Self {
        Self { public, base_domain: base_domain.to_owned() }
    }

    /// The origin, without a slash at its end.
    pub fn origin(&self) -> &str {
        self.public.as_str().trim_end_matches('/')
    }

    /// Base of the API, as `NETLIFY_API_URL` wants it: no slash at its end.
    pub fn api(&self) -> String {
        format!("{}/api/v1", self.origin())
    }

    /// The site itself.
    pub fn site(&self, site: &Site) -> String {
        let host = format!("{}://{}.{}", self.public.scheme(), site.name, self.base_domain);
        match self.public.port() {
            Some(port) if !self.base_domain.contains(':') => format!("{host}:{port}"),
            _ => host,
        }
    }

    /// Where people administer a site.
    pub fn site_admin(&self, site: &Site) -> String {
        format!("{}/sites/{}", self.origin(), site.name)
    }

    /// A POST to it asks for a build.
    pub fn build_hook(&self, id: &str) -> String {
        format!("{}/build_hooks/{id}", self.origin())
    }

    /// Where the partner reports how an instance is doing.
    pub fn instance_callback(&self, id: &InstanceId, token: &str) -> String {
        format!("{}/api/v1/callbacks/{id}/{token}", self.origin())
    }
}
