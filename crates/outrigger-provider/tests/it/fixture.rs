//! A provider that does what its configuration tells it to, a server for it, and a platform to call it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use outrigger_addon::signature::sign;
use outrigger_provider::{
    CreateRequest, Created, InstanceDetails, Manifest, Provider, ProviderError, ProvisioningState, Secrets,
    UpdateRequest, Uuid, router,
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Map, Value, json};

pub(crate) const SECRET: &str = "the add-on's secret";
pub(crate) const UUID: Uuid = Uuid::from_u128(0x2e65dd70_523d_48d8_8826_a93229d7ec01);
pub(crate) const NOW: i64 = 1_767_323_045;

pub(crate) fn clock() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub(crate) fn secrets() -> Secrets {
    Secrets::new(SECRET).unwrap()
}

/// Keeps the configuration of each instance.
#[derive(Default)]
pub(crate) struct Fixture {
    pub(crate) by_uuid: bool,
    pub(crate) instances: Mutex<BTreeMap<String, Map<String, Value>>>,
}

impl Fixture {
    fn details(config: &Map<String, Value>) -> InstanceDetails {
        let state = match config.get("do").and_then(Value::as_str) {
            Some("provision") => ProvisioningState::Provisioning,
            _ => ProvisioningState::Active,
        };
        InstanceDetails { config: Some(config.clone()), state, ..InstanceDetails::default() }
    }
}

fn obey(config: &Map<String, Value>) -> Result<(), ProviderError> {
    match config.get("do").and_then(Value::as_str) {
        Some("gone") => Err(ProviderError::Gone),
        Some("invalid") => Err(ProviderError::invalid("there is no such region")),
        Some("conflict") => Err(ProviderError::conflict("the name is taken")),
        Some("busy") => Err(ProviderError::Busy { retry_after: Duration::from_millis(2_100) }),
        Some("break") => Err(ProviderError::internal("database hush-hush is down")),
        _ => Ok(()),
    }
}

impl Provider for Fixture {
    fn manifest(&self) -> Manifest {
        Manifest { instances_by_uuid: self.by_uuid, ..Manifest::new("Fixture", "Does what it is told.") }
    }

    async fn create(&self, request: CreateRequest) -> Result<Created, ProviderError> {
        let config = request.config.config;
        obey(&config)?;
        if config.get("do").is_some_and(|order| order == "forget the id") {
            return Ok(Created::new(""));
        }
        let id = format!("f/{}", request.uuid.simple());
        self.instances.lock().unwrap().insert(id.clone(), config.clone());
        Ok(Created::with_details(id, Fixture::details(&config)))
    }

    async fn update(&self, id: &str, request: UpdateRequest) -> Result<InstanceDetails, ProviderError> {
        obey(&request.config)?;
        let mut instances = self.instances.lock().unwrap();
        *instances.get_mut(id).ok_or(ProviderError::NotFound)? = request.config.clone();
        Ok(Fixture::details(&request.config))
    }

    async fn delete(&self, id: &str) -> Result<(), ProviderError> {
        self.instances.lock().unwrap().remove(id).map(drop).ok_or(ProviderError::NotFound)
    }

    async fn get(&self, id: &str) -> Result<InstanceDetails, ProviderError> {
        self.instances.lock().unwrap().get(id).map(Fixture::details).ok_or(ProviderError::NotFound)
    }

    async fn id_of(&self, uuid: Uuid) -> Result<Option<String>, ProviderError> {
        let id = format!("f/{}", uuid.simple());
        Ok(self.instances.lock().unwrap().contains_key(&id).then_some(id))
    }
}

/// Calls a server with or without proof.
pub(crate) struct Platform {
    base: String,
    client: Client,
}

impl Platform {
    /// A platform before a server of its own for `app`; it ends with the test's runtime.
    pub(crate) async fn before(app: Router) -> Platform {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Platform { base, client: Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) async fn before_provider(provider: Fixture) -> Platform {
        Platform::before(router(Arc::new(provider), secrets(), clock)).await
    }

    /// A request that proves nothing yet.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A request that is signed as the platform signs.
    pub(crate) fn signed(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("X-Nf-Sign", sign(&json!({ "exp": NOW + 60 }), SECRET))
    }

    pub(crate) async fn create(&self, config: Value) -> Response {
        self.signed(Method::POST, "/instances").json(&create_request(config)).send().await.unwrap()
    }
}

pub(crate) fn create_request(config: Value) -> Value {
    json!({ "uuid": UUID, "account": "a", "config": { "config": config, "site_id": "s", "service_id": "fixture" } })
}

/// Status and JSON body of an answer; null when there is no body.
pub(crate) async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}
