//! Requests, as a provider reads them.

use uuid::Uuid;

use super::{CreateConfig, CreateRequest, JwtSecret, RequestError, ServiceInstance, UpdateRequest};
use crate::body::{self, FieldFault, Fields};

impl CreateRequest {
    /// Reads the body of `POST /instances`. Needed are `uuid` and the outer `config`; any other field that is absent is
    /// empty, and unknown ones are ignored.
    ///
    /// # Errors
    /// The first fault found, with its field.
    pub fn parse(body: &[u8]) -> Result<CreateRequest, RequestError> {
        let map = body::object(body)?;
        let fields = Fields::new(&map);
        let uuid = Uuid::parse_str(fields.needed_text("uuid")?).map_err(|_| fields.fault("uuid", "is not a UUID"))?;
        let config = fields.object("config")?.ok_or_else(|| fields.fault("config", "is missing"))?;
        Ok(CreateRequest { uuid, account: text(&fields, "account")?, config: create_config(&config)? })
    }
}

fn create_config(fields: &Fields<'_>) -> Result<CreateConfig, FieldFault> {
    let config = fields.map("config")?.unwrap_or_default();
    let repeated = fields.object("service_instance")?.map(|f| f.map("config")).transpose()?.flatten();
    let secret = fields.object("jwt")?.map(|jwt| text(&jwt, "secret")).transpose()?.unwrap_or_default();
    Ok(CreateConfig {
        site_url: text(fields, "site_url")?,
        jwt: JwtSecret { secret },
        service_instance: ServiceInstance { config: repeated.unwrap_or_else(|| config.clone()) },
        config,
        site_id: text(fields, "site_id")?,
        service_id: text(fields, "service_id")?,
        incoming_hook_url: fields.owned_text("incoming_hook_url")?,
        callback_url: fields.owned_text("callback_url")?,
    })
}

fn text(fields: &Fields<'_>, key: &str) -> Result<String, FieldFault> {
    Ok(fields.owned_text(key)?.unwrap_or_default())
}

impl UpdateRequest {
    /// Reads the body of `PUT /instances/:id`; an absent `config` is an empty one.
    ///
    /// # Errors
    /// The first fault found, with its field.
    pub fn parse(body: &[u8]) -> Result<UpdateRequest, RequestError> {
        let map = body::object(body)?;
        Ok(UpdateRequest { config: Fields::new(&map).map("config")?.unwrap_or_default() })
    }
}
