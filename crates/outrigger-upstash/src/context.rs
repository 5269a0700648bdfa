//! What the integration keeps at a site.

use outrigger_integrations::handler::{HandlerError, IntegrationClient, Kept};
use serde::{Deserialize, Serialize};

use crate::api::{ApiError, Credentials, InvalidCredentials};
use crate::names::VariableNames;

/// The account that the site is connected with, and the databases that it uses. It is sealed as a whole.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Context {
    pub(crate) email: String,
    pub(crate) api_key: String,
    pub(crate) databases: Vec<Integrated>,
}

/// A database whose variables the site has.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Integrated {
    pub(crate) id: String,
    /// What it was called when it was integrated: its variables keep their names.
    pub(crate) name: String,
    /// Whether its variables are all there. Until then it is only promised its names.
    #[serde(default = "yes")]
    pub(crate) ready: bool,
}

/// What an earlier version wrote down it had finished.
fn yes() -> bool {
    true
}

impl Integrated {
    pub(crate) fn names(&self) -> VariableNames {
        VariableNames::of(&self.name)
    }
}

impl Context {
    pub(crate) fn credentials(&self) -> Result<Credentials, HandlerError> {
        if self.api_key.is_empty() {
            return Err(HandlerError::conflict("Connect with Upstash first."));
        }
        Credentials::new(&self.email, &self.api_key).map_err(HandlerError::from)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Integrated> {
        self.databases.iter().find(|database| database.id == id)
    }
}

/// Changes the context, again on top of what somebody else has written meanwhile.
pub(crate) async fn change(
    client: &IntegrationClient<Context>,
    change: impl Fn(&mut Context) -> Result<(), HandlerError>,
) -> Result<(), HandlerError> {
    const TRIES: usize = 5;
    let mut conflict = HandlerError::conflict("Somebody else is changing this. Try again.");
    for _ in 0..TRIES {
        let Kept { mut context, version } = client.get().await?;
        change(&mut context)?;
        match client.update(&context, version).await {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == "conflict" => conflict = error,
            Err(error) => return Err(error),
        }
    }
    Err(conflict)
}

impl From<InvalidCredentials> for HandlerError {
    fn from(error: InvalidCredentials) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Whose fault it is decides the status.
impl From<ApiError> for HandlerError {
    fn from(error: ApiError) -> Self {
        let text = error.to_string();
        match error {
            ApiError::WrongKey | ApiError::Forbidden(_) => Self::unauthorized(text),
            ApiError::Missing => Self::not_found(text),
            ApiError::Refused { .. } => Self::conflict(text),
            _ => Self::unavailable(text),
        }
    }
}
