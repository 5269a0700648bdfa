//! Making and removing sites.

use std::time::Duration;

use outrigger_integrations::Scope;
use url::Url;

use crate::app::App;
use crate::error::{ApiResult, conflict, invalid_field};
use crate::events::{self, SiteCreated};
use crate::jobs::deliver_build;
use crate::ops::instances;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::instances::InstanceState;
use crate::store::sites::{Identity, Site};

/// Checks a name that becomes a host name's label (RFC 1123, section 2.1) or a part of a path.
pub fn check_label(field: &str, label: &str) -> ApiResult<()> {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let fits = !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-');
    // An id in its place must not name something else.
    let is_id = uuid::Uuid::try_parse(label).is_ok();
    if fits && !is_id {
        return Ok(());
    }
    let rule = "must have 1 to 63 characters out of a-z, 0-9 and `-`, with no `-` at either end, and be no UUID";
    Err(invalid_field(field, rule))
}

/// Makes a site. A blank name is replaced by one that is free.
pub async fn create_site(app: &App, account: &Account, name: &str) -> ApiResult<Site> {
    let name = if name.is_empty() { free_name(app) } else { name.to_owned() };
    check_label("name", &name)?;
    let tx = app.store.begin().await?;
    let site = app.store.insert_site(&account.id, &tx, &name).await?;
    events::tell(app, &tx, &SiteCreated::of(app, account, &site)).await?;
    app.store.commit(tx).await?;
    Ok(site)
}

/// Two words and 40 random bits: people can say it, and nobody meets the same twice.
fn free_name(app: &App) -> String {
    const FIRST: [&str; 16] = [
        "amber", "brave", "calm", "eager", "fair", "gentle", "keen", "lively", "mellow", "noble", "proud", "quiet",
        "rapid", "sunny", "vivid", "warm",
    ];
    const SECOND: [&str; 16] = [
        "canoe", "cove", "delta", "dune", "fjord", "gull", "harbor", "island", "keel", "lagoon", "mast", "reef",
        "sail", "shore", "tide", "wave",
    ];
    let mut random = [0; 7];
    app.store.entropy().fill(&mut random);
    let [first, second, rest @ ..] = random;
    let number = rest.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{}-{}-{number:010x}", FIRST[usize::from(first % 16)], SECOND[usize::from(second % 16)])
}

/// What a site shall be. `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct SiteChanges<'a> {
    pub name: Option<&'a str>,
    /// Where builds are asked for; an empty text removes it.
    pub build_webhook_url: Option<&'a str>,
    /// What answers for the site; an empty text removes it.
    pub origin_url: Option<&'a str>,
    /// Its names beside the one below the base domain, the main one first.
    pub domains: Option<&'a [String]>,
    /// Who makes the tokens of its users; `Some(None)` is nobody.
    pub identity: Option<Option<&'a Identity>>,
    /// Functions that an identity service calls; `Some(None)` is none.
    pub function_hooks: Option<Option<&'a str>>,
}

/// Changes a site, all or nothing. A new build webhook gets a new secret, which is in the answer and nowhere else.
pub async fn update_site(app: &App, site: &Site, changes: SiteChanges<'_>) -> ApiResult<Option<String>> {
    let name = changes.name.filter(|name| *name != site.name);
    name.map_or(Ok(()), |name| check_label("name", name))?;
    let webhook = changes.build_webhook_url.map(|url| new_webhook(app, url)).transpose()?;
    let origin = changes.origin_url.map(checked_origin).transpose()?;
    let domains = changes.domains.map(|domains| checked_domains(app, domains)).transpose()?;
    if let Some(Some(identity)) = changes.identity {
        check_identity(app, identity)?;
    }
    let tx = app.store.begin().await?;
    if let Some(name) = name {
        app.store.rename_site(&site.id, &tx, name).await?;
    }
    if let Some(webhook) = &webhook {
        let url_and_secret = webhook.as_ref().map(|(url, secret)| (*url, secret.as_str()));
        app.store.set_build_webhook(&site.id, &tx, url_and_secret).await?;
    }
    if let Some(origin) = origin {
        app.store.set_origin(&site.id, &tx, origin).await?;
    }
    if let Some(domains) = &domains {
        app.store.set_domains(&site.id, &tx, domains).await?;
    }
    if let Some(identity) = changes.identity {
        app.store.set_identity(&site.id, &tx, identity).await?;
    }
    if let Some(hooks) = changes.function_hooks {
        app.store.set_function_hooks(&site.id, &tx, hooks).await?;
    }
    app.store.commit(tx).await?;
    Ok(webhook.flatten().map(|(_, secret)| secret))
}

/// `None` removes it. Whether the address is one that may be connected to is seen at each connection.
fn checked_origin(url: &str) -> ApiResult<Option<&str>> {
    if url.is_empty() {
        return Ok(None);
    }
    let fault = |fault: &str| invalid_field("origin_url", fault);
    let parsed: Url = url.parse().map_err(|error| fault(&format!("is no valid URL: {error}")))?;
    let is_web = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
    let has_more = !parsed.username().is_empty() || parsed.password().is_some() || parsed.fragment().is_some();
    if !is_web || has_more || url.len() > 2000 {
        return Err(fault("must be a http or https URL without user name, password and fragment"));
    }
    Ok(Some(url))
}

/// More names than any site has a use for.
const MAX_DOMAINS: usize = 100;

fn checked_domains(app: &App, domains: &[String]) -> ApiResult<Vec<String>> {
    let fault = |fault: String| invalid_field("domain_aliases", fault);
    if domains.len() > MAX_DOMAINS {
        return Err(fault(format!("must have at most {MAX_DOMAINS} names")));
    }
    let mut checked: Vec<String> = Vec::new();
    for domain in domains {
        let host = domain.trim().trim_end_matches('.').to_ascii_lowercase();
        let is_name = host.len() <= 253 && host.contains('.') && host.split('.').all(is_label);
        // An address is no name that anybody owns.
        if !is_name || host.split('.').next_back().is_some_and(|last| last.bytes().all(|c| c.is_ascii_digit())) {
            return Err(fault(format!("`{domain}` is no domain name")));
        }
        if app.urls.is_below_base_domain(&host) || Some(host.as_str()) == app.config.public_url().host_str() {
            return Err(fault(format!("`{host}` is a name of the platform's own")));
        }
        if !checked.contains(&host) {
            checked.push(host);
        }
    }
    Ok(checked)
}

fn is_label(label: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// HS256 is as hard to break as its secret is to guess.
const SHORTEST_SECRET: usize = 16;

fn check_identity(app: &App, identity: &Identity) -> ApiResult<()> {
    match identity {
        Identity::Secret(secret) if secret.len() < SHORTEST_SECRET || secret.len() > 4096 => {
            Err(invalid_field("identity", format!("the secret must have {SHORTEST_SECRET} to 4096 characters")))
        }
        Identity::Secret(_) => Ok(()),
        Identity::Jwks { url, .. } => {
            let url = url.parse().map_err(|error| invalid_field("identity", format!("no valid URL: {error}")))?;
            app.outbound.check(&url).map_err(|error| invalid_field("identity", error.to_string()))
        }
    }
}

/// `None` removes it.
fn new_webhook<'a>(app: &App, url: &'a str) -> ApiResult<Option<(&'a str, String)>> {
    if url.is_empty() {
        return Ok(None);
    }
    let fault = |fault: String| invalid_field("build_webhook_url", fault);
    let parsed = url.parse().map_err(|error| fault(format!("is no valid URL: {error}")))?;
    app.outbound.check(&parsed).map_err(|error| fault(error.to_string()))?;
    Ok(Some((url, deliver_build::new_secret(app.store.entropy()))))
}

/// Removes a site with its add-ons. While a partner has not confirmed, the site stays, so that nothing is forgotten.
pub async fn delete_site(app: &App, site: &Site) -> ApiResult<()> {
    for instance in app.store.instances_of_site(&site.id).await? {
        if instance.state != InstanceState::Detached {
            instances::delete_instance(app, site, &instance.id, Duration::ZERO).await?;
        }
    }
    let deadline = tokio::time::Instant::now() + app.config.instance_wait;
    loop {
        let mut left = app.store.instances_of_site(&site.id).await?;
        left.retain(|instance| instance.state != InstanceState::Detached);
        let Some(first) = left.first() else { break };
        let remaining = deadline.saturating_duration_since(tokio::time::Instant::now());
        if remaining.is_zero() || instances::wait_for_lane(app, &first.id, remaining).await?.is_none() {
            return Err(still_leaving(left.len()));
        }
    }
    let tx = app.store.begin().await?;
    let scope = Scope::Site(site.id.as_str().into());
    app.manager.delete_scope(&tx, &scope).await.map_err(StoreError::from)?;
    app.enablements.delete_scope(&tx, &scope).await.map_err(StoreError::from)?;
    match app.store.delete_site(&site.id, &tx).await {
        Ok(()) => Ok(app.store.commit(tx).await?),
        // An add-on was created meanwhile.
        Err(StoreError::Database(_)) => Err(still_leaving(1)),
        Err(other) => Err(other.into()),
    }
}

fn still_leaving(count: usize) -> crate::error::ApiError {
    conflict(format!(
        "the site still has {count} add-on(s) that their partners have not confirmed as removed; \
         the removal goes on, so try again later, or detach them"
    ))
}
