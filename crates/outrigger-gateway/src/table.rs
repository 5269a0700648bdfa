//! Who is reached under which name, in memory.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

use metrics::Recorder;

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

/// All sites, by their names. What is changed in it holds for requests from then on; those that are running keep the
/// site as it was.
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
/// let table = Table::default();
/// table.put(shop)?;
/// assert!(table.len() == 1 && table.has_host("Shop.Example:443"));
/// table.remove("site-1");
/// assert!(table.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Table {
    /// By name. In parts, so that a change makes few look-ups wait.
    parts: [RwLock<Names>; PARTS],
    hasher: RandomState,
    /// By id; held by whoever changes something.
    by_id: Mutex<Names>,
}

type Names = HashMap<Box<str>, Arc<Routed>>;

const PARTS: usize = 64;

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

impl Default for Table {
    fn default() -> Self {
        let parts = std::array::from_fn(|_| RwLock::default());
        Self { parts, hasher: RandomState::new(), by_id: Mutex::default() }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("sites", &self.len()).finish_non_exhaustive()
    }
}

impl Table {
    /// Adds a site or, under its id, changes it.
    ///
    /// # Errors
    /// [`TableError`] says what of the site cannot be. It is not in the table then, nor as it was before.
    pub fn put(&self, site: Site) -> Result<(), TableError> {
        self.change(&[], [site]).pop().map_or(Ok(()), Err)
    }

    /// Takes a site out, if it is there.
    pub fn remove(&self, id: &str) {
        self.change(&[id], []);
    }

    /// Takes sites out and puts others in, or the same ones as they are now, who may have each other's names. A name
    /// that one of them had and another one has is never without a site. Those that cannot be are left out, and the
    /// errors say why. Costs what changes, however many there are.
    pub fn change(&self, gone: &[&str], sites: impl IntoIterator<Item = Site>) -> Vec<TableError> {
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before: Vec<Arc<Routed>> = gone.iter().filter_map(|id| by_id.remove(*id)).collect();
        let mut refused = Vec::new();
        for site in sites {
            before.extend(by_id.remove(site.id.as_str()));
            match Routed::new(site).and_then(|routed| self.check_names(&routed, &by_id).map(|()| Arc::new(routed))) {
                Ok(routed) => {
                    for host in &routed.hosts {
                        self.write(host).insert(host.clone(), routed.clone());
                    }
                    by_id.insert(routed.id.clone(), routed);
                }
                Err(fault) => refused.push(fault),
            }
        }
        for routed in before {
            for host in &routed.hosts {
                let mut names = self.write(host);
                if names.get(host).is_some_and(|now| Arc::ptr_eq(now, &routed)) {
                    names.remove(host);
                }
            }
        }
        refused
    }

    /// How many sites there are.
    pub fn len(&self) -> usize {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is no site.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a site is reached under this name; a port behind it does not matter.
    pub fn has_host(&self, host: &str) -> bool {
        host_name(host).is_some_and(|name| self.site(&name).is_some())
    }

    pub(crate) fn site(&self, host: &str) -> Option<Arc<Routed>> {
        self.part(host).read().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }

    /// Names of those that stay are taken.
    fn check_names(&self, routed: &Routed, by_id: &Names) -> Result<(), TableError> {
        for host in &routed.hosts {
            let stays = |owner: &Arc<Routed>| by_id.get(&owner.id).is_some_and(|now| Arc::ptr_eq(now, owner));
            if let Some(owner) = self.site(host).filter(stays) {
                let (site, host, owner) = (routed.id.to_string(), host.to_string(), owner.id.to_string());
                return Err(TableError::HostTaken { site, host, owner });
            }
        }
        Ok(())
    }

    fn part(&self, host: &str) -> &RwLock<Names> {
        // The remainder is below the number of parts.
        &self.parts[(self.hasher.hash_one(host) % PARTS as u64) as usize]
    }

    fn write(&self, host: &str) -> RwLockWriteGuard<'_, Names> {
        self.part(host).write().unwrap_or_else(PoisonError::into_inner)
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

    fn ids(table: &Table) -> [String; 4] {
        ["a.example", "b.example", "c.example", "d.example"]
            .map(|host| table.site(host).map_or("-".to_owned(), |site| site.id.to_string()))
    }

    #[test]
    fn a_change_of_a_site_moves_its_names() {
        let table = Table::default();
        let refused = table.change(&[], [site("a", &["a.example", "b.example"]), site("c", &["c.example"])]);
        assert_eq!(refused, []);
        let running = table.site("a.example").unwrap();
        table.put(site("a", &["B.example", "d.example"])).unwrap();
        assert_eq!(ids(&table), ["-", "a", "c", "a"]);
        assert_eq!(running.hosts, ["a.example".into(), "b.example".into()], "a running request keeps what it has");
        table.remove("a");
        table.remove("a");
        assert_eq!((ids(&table).join(" ").as_str(), table.len()), ("- - c -", 1));
    }

    #[test]
    fn names_may_go_from_one_to_another_at_once() {
        let table = Table::default();
        table.change(&[], [site("a", &["a.example"]), site("b", &["b.example"]), site("c", &["c.example"])]);
        let swapped = [site("a", &["b.example"]), site("b", &["a.example", "c.example"])];
        assert_eq!(table.change(&["a", "b", "c"], swapped), []);
        assert_eq!(ids(&table), ["b", "a", "b", "-"]);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn what_cannot_be_is_left_out_with_its_reason() {
        let mut loud = site("e", &["e.example"]);
        loud.origin = Some(Origin::Upstream("ftp://127.0.0.1/".parse().unwrap()));
        let table = Table::default();
        table.put(site("d", &["d.example"])).unwrap();
        let refused = table.change(
            &[],
            [
                site("a", &["a.example"]),
                site("b", &["b.example", "A.example"]),
                site("c", &["c.example:80"]),
                site("d", &["not a host"]),
                loud,
            ],
        );
        assert_eq!(ids(&table), ["a", "-", "-", "-"]);
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
