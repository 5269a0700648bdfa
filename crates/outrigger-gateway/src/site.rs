//! What the table is made of: sites as whoever keeps them describes them.

use std::fmt;
use std::path::PathBuf;

pub use outrigger_addon::instances::SnippetPosition;
use serde_json::Value;
use url::Url;

/// A site and what is mounted on it.
#[derive(Debug, Clone)]
pub struct Site {
    /// Who it is; the same in each table.
    pub id: String,
    /// The URL under which its add-ons know it, as they got it when they were provisioned.
    pub url: String,
    /// All names under which it is reached, without ports.
    pub hosts: Vec<String>,
    /// What answers what no add-on answers; a site without one has add-ons only.
    pub origin: Option<Origin>,
    /// Who makes the tokens of its users, if anybody does.
    pub identity: Option<Identity>,
    /// Functions of the site that an identity service calls on its events, signed for its add-ons.
    pub function_hooks: Option<Value>,
    /// Its add-ons.
    pub mounts: Vec<Mount>,
    /// What goes into its pages, its own snippets and those of its add-ons, in this order.
    pub snippets: Vec<PageSnippet>,
}

/// What answers for a site.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A server, http or https; a path in the URL comes before that of the request.
    Upstream(Url),
    /// A folder of files.
    Files(PathBuf),
}

/// Who makes the tokens of a site's users.
#[derive(Clone)]
pub enum Identity {
    /// Whoever knows this secret (HS256).
    Secret(String),
    /// Whoever has the private keys to a JSON Web Key Set (RS256, ES256, EdDSA).
    Jwks {
        /// Where the set is, http or https. Redirects are not followed.
        url: Url,
        /// What `iss` has to be; anything will do for `None`.
        issuer: Option<String>,
        /// What `aud` has to be, or to have in it; anything will do for `None`.
        audience: Option<String>,
    },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Secret(_) => f.write_str("Secret(..)"),
            Identity::Jwks { url, .. } => write!(f, "Jwks({url})"),
        }
    }
}

/// An instance of an add-on, where it is reached and what it adds to pages.
#[derive(Clone)]
pub struct Mount {
    /// The add-on's slug: its place below the path prefix.
    pub slug: String,
    /// What answers there, http or https; an instance may have none.
    pub endpoint: Option<Url>,
    /// The add-on's secret, which signs.
    pub secret: String,
    /// The partner's id of the instance.
    pub instance_id: String,
    /// The platform's id of the instance.
    pub netlify_id: String,
}

/// HTML for the pages of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSnippet {
    /// Who it is, without blanks; the same in each table.
    pub id: String,
    /// Where it goes.
    pub position: SnippetPosition,
    /// What goes there, as it is.
    pub html: String,
    /// In how many percent of the visitors' pages it is, 0 to 100. A visitor, known by their address, who has it keeps
    /// it while the share grows.
    pub share: u8,
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount")
            .field("slug", &self.slug)
            .field("instance_id", &self.instance_id)
            .field("netlify_id", &self.netlify_id)
            .finish_non_exhaustive()
    }
}
