//! Settings of the server: one TOML file, then environment variables, then flags. The binary applies the last two.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::client_address::Network;
pub use crate::oauth_client::OAuthConfig;

/// Everything that can be set. Every field has a default, so an empty file is a valid one.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// How clients and partners reach us; build hooks and callbacks start with it. Default: `http://` + `listen`.
    pub public_url: Option<Url>,
    /// Sites are `<name>.<base_domain>`.
    pub base_domain: String,
    /// Scheme, and port, at which clients reach the sites; its host is not looked at. Default: those of `public_url`
    /// where it is set, else those of the gateway itself.
    pub sites_url: Option<Url>,
    /// What answers for the sites.
    pub gateway: GatewayConfig,
    /// `sqlite:FILE` or `postgres://…`.
    pub database_url: String,
    /// The keys of sealed records.
    pub key_file: PathBuf,
    /// Where it is noted which integrations are installed that were built with Netlify's SDK.
    pub integrations_dir: PathBuf,
    /// What the services of integrations know us as, by the integration's slug.
    pub oauth: BTreeMap<String, OAuthConfig>,
    /// Lets add-ons and build webhooks be on loopback and private addresses. Only for development.
    pub allow_private_addresses: bool,
    /// How long a request waits for a partner before it answers with the state so far.
    #[serde(with = "seconds")]
    pub instance_wait: Duration,
    /// Time limit of one request to a partner.
    #[serde(with = "seconds")]
    pub provider_timeout: Duration,
    /// How long an instance may say that it is still being provisioned, unless its manifest says otherwise.
    #[serde(with = "seconds")]
    pub provisioning_window: Duration,
    /// First pause after a partner failed; doubles up to an hour.
    #[serde(with = "seconds")]
    pub retry_pause: Duration,
    /// How often a create or update is tried before it is given up.
    pub max_attempts: u32,
    /// Age at which a manifest is fetched again.
    #[serde(with = "seconds")]
    pub manifest_max_age: Duration,
    /// Requests a token may make per minute, and an address without a valid one.
    pub requests_per_minute: u32,
    /// Attempts per minute to sign in as one user.
    pub logins_per_minute: u32,
    /// Proxies before us, as addresses or ranges (`10.0.0.0/8`): whom they name in `X-Forwarded-For` is believed. Without
    /// them, all who come through one proxy share the limit of its address.
    pub trusted_proxies: Vec<Network>,
    /// Jobs run at once by this process; 0 makes it a node that serves requests only.
    pub workers: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            public_url: None,
            base_domain: "localhost".to_owned(),
            sites_url: None,
            gateway: GatewayConfig::default(),
            database_url: "sqlite:outrigger.db".to_owned(),
            key_file: PathBuf::from("outrigger.key"),
            integrations_dir: PathBuf::from("outrigger-integrations"),
            oauth: BTreeMap::new(),
            allow_private_addresses: false,
            instance_wait: Duration::from_secs(25),
            provider_timeout: Duration::from_secs(20),
            provisioning_window: Duration::from_secs(12 * 60 * 60),
            retry_pause: Duration::from_secs(1),
            max_attempts: 8,
            manifest_max_age: Duration::from_secs(24 * 60 * 60),
            requests_per_minute: 6000,
            logins_per_minute: 10,
            trusted_proxies: Vec::new(),
            workers: 32,
        }
    }
}

/// Settings of the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Whether this process answers for sites.
    pub enabled: bool,
    /// Where it listens. Default: at the address of the API, one port further.
    pub listen: Option<SocketAddr>,
    /// Where it listens for HTTPS, with `certificate` and `key`.
    pub tls_listen: Option<SocketAddr>,
    /// The certificate chain, PEM; read again when the file changes.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// A site without an origin is the folder of its name in here, if there is one.
    pub sites_dir: Option<PathBuf>,
    /// Private networks in which the origins of sites may be. Add-ons may not.
    pub origin_networks: Vec<Network>,
    /// How the names of the headers begin that prove a request to an add-on.
    pub header_prefix: String,
    /// How the paths of proxied URLs begin.
    pub path_prefix: String,
    /// For how long a signature is used again for the same instance; 0 makes one for each request.
    #[serde(with = "seconds")]
    pub signature_reuse: Duration,
    /// How many threads answer; 0 starts one for each processor.
    pub threads: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        let settings = outrigger_gateway::Settings::default();
        Self {
            enabled: true,
            listen: None,
            tls_listen: None,
            certificate: None,
            key: None,
            sites_dir: None,
            origin_networks: Vec::new(),
            header_prefix: settings.header_prefix,
            path_prefix: settings.path_prefix,
            signature_reuse: settings.signature_reuse,
            threads: 0,
        }
    }
}

/// Why a config file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// The file is not what we expect.
    #[error("the config file {} is not valid: {source}", path.display())]
    Invalid { path: PathBuf, source: Box<toml::de::Error> },
}

impl Config {
    /// Reads a TOML file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let path = path.to_owned();
        let text =
            std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
        toml::from_str(&text).map_err(|source| ConfigError::Invalid { path, source: Box::new(source) })
    }

    /// Where the gateway listens. With a port of 0 for the API, it takes any free one too.
    pub fn gateway_listen(&self) -> SocketAddr {
        let next = match self.listen.port() {
            0 => 0,
            port => port.checked_add(1).unwrap_or(0),
        };
        self.gateway.listen.unwrap_or(SocketAddr::new(self.listen.ip(), next))
    }

    /// Scheme and port at which clients reach the sites.
    pub fn sites_url(&self) -> Url {
        let of_gateway =
            || Url::parse(&format!("http://{}", self.gateway_listen())).expect("a socket address makes a valid URL");
        self.sites_url.clone().or_else(|| self.public_url.clone()).unwrap_or_else(of_gateway)
    }

    /// How clients and partners reach us.
    pub fn public_url(&self) -> Url {
        self.public_url.clone().unwrap_or_else(|| {
            Url::parse(&format!("http://{}", self.listen)).expect("a socket address makes a valid URL")
        })
    }
}

/// Durations as numbers of seconds, fractions allowed.
mod seconds {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(|_| D::Error::custom("must be a number of seconds, 0 or more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_gives_the_defaults_and_a_misspelt_name_is_refused() {
        let config: Config = toml::from_str("").unwrap();
        assert_eq!(config.public_url().as_str(), "http://127.0.0.1:8090/");
        let fault = toml::from_str::<Config>("instance_wiat = 3").unwrap_err();
        assert!(fault.to_string().contains("instance_wiat"), "{fault}");
        assert!(toml::from_str::<Config>("instance_wait = -1").is_err());
        assert!(toml::from_str::<Config>("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]").is_ok());
        assert!(toml::from_str::<Config>("trusted_proxies = [\"proxy.example\"]").is_err());
    }
}
