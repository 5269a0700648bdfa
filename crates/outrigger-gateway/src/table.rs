//! Who is reached under which name: an immutable snapshot in memory. A change shares all else with what was before.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use metrics::Recorder;
use rpds::HashTrieMapSync;

use crate::identity::Issuer;
use crate::inject::Snippets;
use crate::meters::Meters;
use crate::mounted::{Endpoint, Mounted};
use crate::route::host_name;
use crate::settings::Destination;
use crate::site::{Origin, Site};

/// Why something cannot be in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The name is no host name.
    #[error("site {site}: `{host}` is no host name")]
    Host {
        /// The site that wants it.
        site: String,
        /// The name.
        host: String,
    },
    /// Another site has this name.
    #[error("site {site}: `{host}` is the name of site {owner}")]
    HostTaken {
        /// The site that wants it.
        site: String,
        /// The name.
        host: String,
        /// The site that has it.
        owner: String,
    },
    /// A URL that no request can go to, or text that no header can hold.
    #[error("site {site}: {what} {reason}")]
    Unusable {
        /// The site.
        site: String,
        /// What of it: the origin, or which add-on's endpoint.
        what: String,
        /// Why not.
        reason: String,
    },
    /// Two add-ons with one slug.
    #[error("site {site}: two add-ons are called `{slug}`")]
    SlugTaken {
        /// The site.
        site: String,
        /// The slug.
        slug: String,
    },
}

/// All sites, by their names. Immutable; cloning is cheap.
///
/// ```
/// use outrigger_gateway::{Origin, Site, Table};
///
/// let shop = Site {
///     id: "site-1".into(),
///     url: "https://shop.example".into(),
///     hosts: vec!["shop.example".into()],
///     origin: Some(Origin::Upstream("http://127.0.0.1:3000".parse()?)),
///     identity: None,
///     function_hooks: None,
///     mounts: vec![],
///     snippets: vec![],
/// };
/// let (table, refused) = Table::of([shop]);
/// assert!(refused.is_empty() && table.len() == 1);
/// assert_eq!(table.site_at("Shop.Example:443"), Some("site-1"));
/// let table = table.without_site("site-1");
/// assert_eq!(table.len(), 0);
/// # Ok::<(), url::ParseError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Table {
    by_host: HashTrieMapSync<Box<str>, Arc<Routed>>,
    by_id: HashTrieMapSync<Box<str>, Arc<Routed>>,
}

/// A site that is ready to answer.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) id: Box<str>,
    pub(crate) origin: Option<RoutedOrigin>,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) snippets: Option<Snippets>,
    /// In the order of the site: few enough to be searched through.
    pub(crate) mounts: Vec<Mounted>,
    hosts: Vec<Box<str>>,
    meters: OnceLock<Arc<Meters>>,
}

#[derive(Debug)]
pub(crate) enum RoutedOrigin {
    Upstream(Endpoint),
    Files(std::path::PathBuf),
}

impl Table {
    /// A table of these sites. Those that cannot be in it are left out, and the errors say why.
    pub fn of(sites: impl IntoIterator<Item = Site>) -> (Table, Vec<TableError>) {
        let mut table = Table::default();
        let refused = sites.into_iter().filter_map(|site| table.put(site).err()).collect();
        (table, refused)
    }

    /// This table with a site added or, under its id, changed.
    ///
    /// # Errors
    /// [`TableError`] says what of the site cannot be.
    pub fn with_site(&self, site: Site) -> Result<Table, TableError> {
        let mut table = self.clone();
        table.put(site)?;
        Ok(table)
    }

    /// This table without a site; the same where it has none of this id.
    pub fn without_site(&self, id: &str) -> Table {
        let mut table = self.clone();
        if let Some(old) = table.by_id.get(id).cloned() {
            table.take_out(&old);
        }
        table
    }

    /// The id of the site that is reached under this name; a port behind it does not matter.
    pub fn site_at(&self, host: &str) -> Option<&str> {
        self.site(&host_name(host)?).map(|site| &*site.id)
    }

    /// How many sites there are.
    pub fn len(&self) -> usize {
        self.by_id.size()
    }

    /// Whether there is no site.
    pub fn is_empty(&self) -> bool {
        self.by_id.size() == 0
    }

    pub(crate) fn site(&self, host: &str) -> Option<&Arc<Routed>> {
        self.by_host.get(host)
    }

    fn put(&mut self, site: Site) -> Result<(), TableError> {
        let routed = Arc::new(Routed::new(site)?);
        for host in &routed.hosts {
            if let Some(owner) = self.by_host.get(host).filter(|owner| owner.id != routed.id) {
                let (site, host, owner) = (routed.id.to_string(), host.to_string(), owner.id.to_string());
                return Err(TableError::HostTaken { site, host, owner });
            }
        }
        if let Some(old) = self.by_id.get(&routed.id).cloned() {
            self.take_out(&old);
        }
        for host in &routed.hosts {
            self.by_host.insert_mut(host.clone(), routed.clone());
        }
        self.by_id.insert_mut(routed.id.clone(), routed.clone());
        Ok(())
    }

    fn take_out(&mut self, old: &Routed) {
        for host in &old.hosts {
            self.by_host.remove_mut(host);
        }
        self.by_id.remove_mut(&old.id);
    }
}

impl Routed {
    fn new(site: Site) -> Result<Self, TableError> {
        let id = site.id.clone();
        let unusable = |what: String| {
            let site = id.clone();
            move |reason: String| TableError::Unusable { site, what, reason }
        };
        let hosts = site.hosts.iter().map(|host| {
            let name = host_name(host).filter(|name| name.len() == host.trim_end_matches('.').len());
            name.map(|name| name.into()).ok_or_else(|| TableError::Host { site: site.id.clone(), host: host.clone() })
        });
        let hosts = hosts.collect::<Result<_, _>>()?;
        let origin = site.origin.as_ref().map(|origin| match origin {
            Origin::Upstream(url) => Endpoint::new(url, Destination::Origin).map(RoutedOrigin::Upstream),
            Origin::Files(folder) => Ok(RoutedOrigin::Files(folder.clone())),
        });
        let origin = origin.transpose().map_err(unusable("the origin".to_owned()))?;
        let mut slugs = HashSet::new();
        if let Some(twice) = site.mounts.iter().find(|mount| !slugs.insert(&mount.slug)) {
            return Err(TableError::SlugTaken { site: site.id.clone(), slug: twice.slug.clone() });
        }
        let mounts = site
            .mounts
            .iter()
            .map(|mount| Mounted::new(&site, mount).map_err(unusable(format!("the add-on `{}`", mount.slug))));
        let mounts = mounts.collect::<Result<_, _>>()?;
        let issuer = site.identity.as_ref().map(Issuer::new).transpose();
        let issuer = issuer.map_err(unusable("the identity".to_owned()))?;
        let snippets = Snippets::new(&site.snippets);
        let meters = OnceLock::new();
        Ok(Self { id: site.id.into(), origin, issuer, snippets, mounts, hosts, meters })
    }

    /// Those of what the site itself answers.
    pub(crate) fn meters(&self, recorder: &dyn Recorder) -> &Arc<Meters> {
        self.meters.get_or_init(|| self.meters_for("", recorder))
    }

    pub(crate) fn meters_of<'m>(&self, mount: &'m Mounted, recorder: &dyn Recorder) -> &'m Arc<Meters> {
        mount.meters.get_or_init(|| self.meters_for(&mount.slug, recorder))
    }

    fn meters_for(&self, addon: &str, recorder: &dyn Recorder) -> Arc<Meters> {
        Meters::new(recorder, &self.id, self.hosts.first().map_or("", |host| host), addon)
    }

    pub(crate) fn mount(&self, slug: &str) -> Option<&Mounted> {
        self.mounts.iter().find(|mount| &*mount.slug == slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(id: &str, hosts: &[&str]) -> Site {
        Site {
            id: id.to_owned(),
            url: format!("https://{id}.example"),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            origin: Some(Origin::Upstream("http://127.0.0.1:1".parse().unwrap())),
            identity: None,
            function_hooks: None,
            mounts: Vec::new(),
            snippets: Vec::new(),
        }
    }

    #[test]
    fn a_change_of_a_site_moves_its_names_and_leaves_the_old_table_as_it_was() {
        let (before, refused) = Table::of([site("a", &["a.example", "b.example"]), site("c", &["c.example"])]);
        assert_eq!(refused, []);
        let after = before.with_site(site("a", &["B.example", "d.example"])).unwrap();
        let ids = |table: &Table| {
            ["a.example", "b.example", "c.example", "d.example"]
                .map(|host| table.site(host).map_or("-".to_owned(), |site| site.id.to_string()))
        };
        assert_eq!(ids(&before), ["a", "a", "c", "-"]);
        assert_eq!(ids(&after), ["-", "a", "c", "a"]);
        assert_eq!(ids(&after.without_site("a")), ["-", "-", "c", "-"]);
        assert_eq!((before.len(), after.len(), after.without_site("a").len()), (2, 2, 1));
    }

    #[test]
    fn what_cannot_be_is_left_out_with_its_reason() {
        let mut loud = site("e", &["e.example"]);
        loud.origin = Some(Origin::Upstream("ftp://127.0.0.1/".parse().unwrap()));
        let (table, refused) = Table::of([
            site("a", &["a.example"]),
            site("b", &["A.example"]),
            site("c", &["c.example:80"]),
            site("d", &["not a host"]),
            loud,
        ]);
        assert_eq!(table.len(), 1);
        let refused: Vec<_> = refused.iter().map(ToString::to_string).collect();
        assert_eq!(
            refused,
            [
                "site b: `a.example` is the name of site a",
                "site c: `c.example:80` is no host name",
                "site d: `not a host` is no host name",
                "site e: the origin must be a http or https URL",
            ]
        );
    }
}
