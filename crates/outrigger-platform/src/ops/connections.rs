//! Connecting integrations with accounts at the services that they work with, and the tokens of that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use outrigger_integrations::{Connection, EnablementError, IntegrationId, KeptConnection, Scope};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::app::App;
use crate::error::{ApiError, ApiResult, bad_gateway, bad_request, conflict, internal, not_found};
use crate::oauth_client::{OAuthClient, OAuthError};
use crate::store::StoreError;
use crate::store::ids::SessionId;
use crate::urls::Page;

/// How long somebody may take to consent.
const ATTEMPT: SignedDuration = SignedDuration::from_mins(10);
/// Tokens that end sooner are changed for new ones before they are used.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Somebody on their way to a service and back. The service gets it sealed, as its `state`.
#[derive(Serialize, Deserialize)]
struct Attempt {
    scope: Scope,
    integration: IntegrationId,
    /// Only the browser that went comes back.
    session: SessionId,
    verifier: String,
    ends: Timestamp,
}

const SEALED_AS: &str = "connection_attempt";

/// What somebody comes back with (RFC 6749 sections 4.1.2 and 4.1.2.1).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Returned {
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// Somebody came back: where from, and whether with consent.
pub(crate) struct Return {
    pub(crate) scope: Scope,
    pub(crate) integration: IntegrationId,
    verifier: String,
    state: String,
    code: Result<String, ApiError>,
}

/// Where somebody connects an integration that is enabled there.
pub(crate) async fn begin(
    app: &App,
    scope: &Scope,
    integration: &IntegrationId,
    session: &SessionId,
) -> ApiResult<Url> {
    let client = client_of(app, integration)?;
    let mut random = [0; 32];
    app.store.entropy().fill(&mut random);
    let attempt = Attempt {
        scope: scope.clone(),
        integration: integration.clone(),
        session: session.clone(),
        verifier: URL_SAFE_NO_PAD.encode(random),
        ends: app.store.clock().now() + ATTEMPT,
    };
    let text = serde_json::to_string(&attempt).map_err(internal)?;
    let state = app.store.keys().seal(&text, SEALED_AS, app.store.entropy());
    app.enablements.begin_connection(scope, integration, &hash(&state)).await.map_err(not_enabled)?;
    Ok(client.authorize_url(state, &attempt.verifier))
}

/// Reads what somebody came back with. Whether they may still connect there is for the caller to say.
pub(crate) fn read(app: &App, returned: Returned, session: &SessionId) -> ApiResult<Return> {
    let unknown =
        || bad_request("This attempt to connect is over, or was begun elsewhere. Begin again, at the integration.");
    let text = app.store.keys().open(&returned.state, SEALED_AS).map_err(|_| unknown())?;
    let attempt: Attempt = serde_json::from_str(&text).map_err(|_| unknown())?;
    if attempt.session != *session || attempt.ends <= app.store.clock().now() {
        return Err(unknown());
    }
    let code = match (returned.code, returned.error.as_deref()) {
        (_, Some("access_denied")) => Err(bad_request("Not connected: at the service, access was denied.")),
        (_, Some(_)) => Err(bad_gateway("Not connected: the service could not do what it was asked for. Try again.")),
        (Some(code), None) => Ok(code),
        (None, None) => Err(bad_gateway("Not connected: the service sent nothing to connect with.")),
    };
    let Attempt { scope, integration, verifier, .. } = attempt;
    Ok(Return { scope, integration, verifier, state: returned.state, code })
}

/// Connects. An attempt counts once, and only if it was the last.
pub(crate) async fn finish(app: &App, back: Return) -> ApiResult<()> {
    let Return { scope, integration, verifier, state, code } = back;
    let used = app.enablements.use_connection_attempt(&scope, &integration, &hash(&state)).await;
    if !used.map_err(StoreError::from)? {
        return Err(bad_request("This attempt to connect was used, or another one was begun since. Begin again."));
    }
    let client = client_of(app, &integration)?;
    let connection = client.exchange(code?, verifier, app.store.clock().now()).await.map_err(not_connected)?;
    app.enablements.connect(&scope, &integration, &connection).await.map_err(not_enabled)
}

/// A connection, as handlers and pages see it.
pub(crate) struct Connected {
    /// None while the service cannot be asked for another one.
    pub(crate) token: Option<SecretString>,
}

impl Connected {
    fn with(connection: Connection) -> Self {
        Self { token: Some(connection.access_token) }
    }
}

/// The connection there, with a token that is still good. One that the service does not know any more is forgotten.
pub(crate) async fn current(
    app: &App,
    scope: &Scope,
    integration: &IntegrationId,
) -> Result<Option<Connected>, StoreError> {
    let Some(kept) = app.enablements.connection(scope, integration).await? else { return Ok(None) };
    if is_good(&kept.connection, app.store.clock().now()) {
        return Ok(Some(Connected::with(kept.connection)));
    }
    // One at a time: services take a refresh token once.
    let _turn = app.refreshing.lock().await;
    let Some(kept) = app.enablements.connection(scope, integration).await? else { return Ok(None) };
    if is_good(&kept.connection, app.store.clock().now()) {
        return Ok(Some(Connected::with(kept.connection)));
    }
    refresh(app, scope, integration, kept).await
}

fn is_good(connection: &Connection, now: Timestamp) -> bool {
    connection.expires_at.is_none_or(|end| now + MARGIN < end)
}

async fn refresh(
    app: &App,
    scope: &Scope,
    integration: &IntegrationId,
    kept: KeptConnection,
) -> Result<Option<Connected>, StoreError> {
    let now = app.store.clock().now();
    let ended = kept.connection.expires_at.is_some_and(|end| end <= now);
    let old = || Connected { token: (!ended).then(|| kept.connection.access_token.clone()) };
    let (Ok(client), Some(token)) = (client_of(app, integration), &kept.connection.refresh_token) else {
        return if ended { forget(app, scope, integration).await } else { Ok(Some(old())) };
    };
    match client.refresh(token, now).await {
        Ok(new) => {
            app.enablements.renew_connection(scope, integration, &kept, &new).await?;
            Ok(Some(Connected::with(new)))
        }
        Err(OAuthError::Refused(reason)) => {
            // Another process may have been first: then there is another one by now.
            match app.enablements.connection(scope, integration).await? {
                Some(other) if is_good(&other.connection, now) => Ok(Some(Connected::with(other.connection))),
                _ => {
                    tracing::warn!(%scope, %integration, reason, "the service ended a connection");
                    forget(app, scope, integration).await
                }
            }
        }
        Err(error) => {
            tracing::warn!(%scope, %integration, %error, "a connection cannot be renewed now");
            Ok(Some(old()))
        }
    }
}

async fn forget(app: &App, scope: &Scope, integration: &IntegrationId) -> Result<Option<Connected>, StoreError> {
    app.enablements.disconnect(scope, integration).await?;
    Ok(None)
}

/// Ends this connection, here and at the service. That the service cannot be told ends it here no less.
pub(crate) async fn end(
    app: &App,
    scope: &Scope,
    integration: &IntegrationId,
    kept: &KeptConnection,
) -> Result<(), StoreError> {
    app.enablements.disconnect(scope, integration).await?;
    if let Ok(client) = client_of(app, integration)
        && let Err(error) = client.revoke(&kept.connection).await
    {
        tracing::warn!(%scope, %integration, %error, "the service could not be told that a connection ended");
    }
    Ok(())
}

fn client_of<'a>(app: &'a App, integration: &IntegrationId) -> ApiResult<OAuthClient<'a>> {
    let config = app.config.oauth.get(integration.as_str());
    let config = config.ok_or_else(|| not_found(format!("a way to connect `{integration}`")))?;
    let redirect = app.urls.absolute(&Page::ConnectionCallback).parse().map_err(internal)?;
    Ok(OAuthClient::new(config, &app.outbound, redirect))
}

fn hash(state: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(state))
}

fn not_enabled(error: EnablementError) -> ApiError {
    match error {
        EnablementError::NotEnabled => conflict("The integration is not enabled here. Enable it, then connect."),
        EnablementError::Store(error) => StoreError::from(error).into(),
        other => internal(other),
    }
}

fn not_connected(error: OAuthError) -> ApiError {
    let text = match &error {
        OAuthError::Refused(_) => "Not connected: the service did not accept its own answer. Begin again.",
        OAuthError::Client(_) => {
            "Not connected: the service does not know this platform, or not with this secret. Tell its operator."
        }
        OAuthError::Outbound(_) => "Not connected: the service cannot be reached. Try again in a while.",
        OAuthError::Answer => "Not connected: the service's answer could not be understood. Try again in a while.",
    };
    bad_gateway(text).with_cause(error)
}
