//! Accounts and databases, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use outrigger_db::{Clock, Entropy};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::redis::RedisServer;

#[derive(Default)]
pub(super) struct State {
    /// Key and customer id, by e-mail.
    accounts: BTreeMap<String, Account>,
    databases: BTreeMap<String, Database>,
}

struct Account {
    api_key: String,
    customer_id: String,
}

/// What a token opens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    Full,
    ReadOnly,
}

#[derive(Clone)]
pub(super) struct Database {
    pub(super) id: String,
    pub(super) owner: String,
    customer_id: String,
    pub(super) name: String,
    pub(super) primary_region: String,
    pub(super) read_regions: Vec<String>,
    pub(super) plan: String,
    pub(super) budget: i64,
    pub(super) eviction: bool,
    pub(super) auto_upgrade: bool,
    pub(super) prod_pack: bool,
    pub(super) daily_backup: bool,
    pub(super) tls: bool,
    created: Timestamp,
    secrets: Secrets,
    pub(super) backups: Vec<Value>,
    /// Started when the first command comes.
    pub(super) server: Arc<OnceCell<RedisServer>>,
}

#[derive(Clone)]
struct Secrets {
    password: String,
    rest_token: String,
    read_only_rest_token: String,
    /// Ends what was begun with them.
    valid: CancellationToken,
}

impl Secrets {
    fn draw(id: &str, entropy: &dyn Entropy) -> Secrets {
        let password = outrigger_db::token(entropy);
        // Base64 text, with padding, as the service's look: whoever strips or splits at `=` is found out.
        let token = |user: &str| {
            let text = format!("{user}:{id}:{}", outrigger_db::token(entropy));
            STANDARD.encode(&text.as_bytes()[..text.len() - text.len() % 3 - 2])
        };
        let (rest_token, read_only_rest_token) = (token("default"), token("readonly"));
        Secrets { password, rest_token, read_only_rest_token, valid: CancellationToken::new() }
    }
}

impl State {
    pub(super) fn set_account(&mut self, email: &str, api_key: &str) {
        let customer_id = format!("customer-{}", self.accounts.len() + 1);
        let account = self.accounts.entry(email.to_owned()).or_insert(Account { api_key: String::new(), customer_id });
        api_key.clone_into(&mut account.api_key);
    }

    pub(super) fn knows(&self, email: &str, api_key: &str) -> bool {
        self.accounts.get(email).is_some_and(|account| account.api_key == api_key)
    }

    pub(super) fn databases_of(&self, owner: &str) -> impl Iterator<Item = &Database> {
        self.databases.values().filter(move |database| database.owner == owner)
    }

    /// That of another account is as good as none.
    pub(super) fn find(&mut self, owner: &str, id: &str) -> Option<&mut Database> {
        self.databases.get_mut(id).filter(|database| database.owner == owner)
    }

    pub(super) fn create(
        &mut self,
        owner: &str,
        name: &str,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> &mut Database {
        let id = outrigger_db::uuid_v7(clock, entropy).to_string();
        let customer_id = self.accounts.get(owner).map_or_else(String::new, |account| account.customer_id.clone());
        let database = Database {
            owner: owner.to_owned(),
            customer_id,
            name: name.to_owned(),
            primary_region: "us-east-1".to_owned(),
            read_regions: Vec::new(),
            plan: "free".to_owned(),
            budget: 20,
            eviction: false,
            auto_upgrade: false,
            prod_pack: false,
            daily_backup: false,
            tls: true,
            created: clock.now(),
            secrets: Secrets::draw(&id, entropy),
            backups: Vec::new(),
            server: Arc::default(),
            id: id.clone(),
        };
        self.databases.entry(id).or_insert(database)
    }

    pub(super) fn delete(&mut self, owner: &str, id: &str) -> bool {
        if self.find(owner, id).is_none() {
            return false;
        }
        if let Some(gone) = self.databases.remove(id) {
            gone.secrets.valid.cancel();
        }
        true
    }

    /// What a token opens, and for how long.
    pub(super) fn open(&self, token: &str) -> Option<(&Database, Rights, CancellationToken)> {
        self.databases.values().find_map(|database| {
            let secrets = &database.secrets;
            let rights = match token {
                _ if token == secrets.rest_token => Rights::Full,
                _ if token == secrets.read_only_rest_token => Rights::ReadOnly,
                _ => return None,
            };
            Some((database, rights, secrets.valid.clone()))
        })
    }
}

impl Database {
    pub(super) fn reset_secrets(&mut self, entropy: &dyn Entropy) {
        self.secrets.valid.cancel();
        self.secrets = Secrets::draw(&self.id, entropy);
    }

    pub(super) fn rest_token(&self) -> &str {
        &self.secrets.rest_token
    }

    /// Without a scheme, as the service gives it.
    pub(super) fn endpoint(&self, address: &str) -> String {
        format!("{address}/redis/{}", self.id)
    }

    /// The fields that a list has; `address` is the emulator's own.
    pub(super) fn body(&self, address: &str, with_secrets: bool) -> Map<String, Value> {
        let body = json!({
            "database_id": self.id,
            "database_name": self.name,
            "database_type": if self.plan == "free" { "Free" } else { "Pay as You Go" },
            "type": self.plan,
            "region": "global",
            "primary_region": self.primary_region,
            "primary_members": [self.primary_region],
            "all_members": members(&self.primary_region, &self.read_regions),
            "read_regions": self.read_regions,
            "port": 6379,
            "endpoint": self.endpoint(address),
            "tls": self.tls,
            "creation_time": self.created.as_second(),
            "state": "active",
            "modifying_state": "",
            "user_email": self.owner,
            "customer_id": self.customer_id,
            "eviction": self.eviction,
            "db_eviction": self.eviction,
            "auto_upgrade": self.auto_upgrade,
            "consistent": false,
            "multizone": false,
            "daily_backup_enabled": self.daily_backup,
            "prod_pack_enabled": self.prod_pack,
            "budget": self.budget,
            "replicas": 1,
            "last_plan_upgrade_time": 0,
        });
        let Value::Object(mut body) = body else { unreachable!("it was written as an object") };
        if with_secrets {
            let Secrets { password, rest_token, read_only_rest_token, .. } = &self.secrets;
            body.insert("password".to_owned(), json!(password));
            body.insert("rest_token".to_owned(), json!(rest_token));
            body.insert("read_only_rest_token".to_owned(), json!(read_only_rest_token));
        }
        body
    }

    /// The limits that the answer about one database has besides.
    pub(super) fn limits() -> Map<String, Value> {
        let limits = json!({
            "db_max_clients": 10_000,
            "db_max_request_size": 10_485_760,
            "db_disk_threshold": 268_435_456,
            "db_max_entry_size": 104_857_600,
            "db_memory_threshold": 268_435_456,
            "db_max_commands_per_second": 10_000,
            "db_request_limit": 9_223_372_036_854_775_807_i64,
            "db_conn_idle_timeout": 21_600_000_000_000_i64,
            "db_lua_timeout": 250_000_000,
            "db_lua_credits_per_min": 10_000_000_000_i64,
            "db_store_max_idle": 900_000_000_000_i64,
            "db_max_loads_per_sec": 1_000_000,
            "db_resource_size": "S",
            "db_type": "pebble",
            "db_acl_enabled": "false",
            "db_acl_default_user_status": "true",
            "prometheus_enabled": "false",
            "securityAddons": {
                "ipWhitelisting": false,
                "vpcPeering": false,
                "privateLink": false,
                "tlsMutualAuth": false,
                "encryptionAtRest": false,
            },
        });
        match limits {
            Value::Object(limits) => limits,
            _ => unreachable!("it was written as an object"),
        }
    }
}

fn members<'a>(primary: &'a str, read: &'a [String]) -> Vec<&'a str> {
    std::iter::once(primary).chain(read.iter().map(String::as_str)).collect()
}
