//! This platform as an OAuth client of the services that integrations work with: authorization code with PKCE (RFC 6749
//! section 4.1, RFC 7636), refresh (section 6) and revocation (RFC 7009). All through the guarded client.

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicRequestTokenError, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardErrorResponse,
    TokenResponse as _, TokenUrl,
};
use outrigger_integrations::{Connection, Outbound, OutboundError};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

/// What a service knows this platform as. The redirect URL to register there is `<public URL>/connections/callback`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthConfig {
    /// Where people consent.
    pub authorize_url: Url,
    /// Where tokens are given.
    pub token_url: Url,
    /// Where tokens are taken back, if the service does that.
    pub revoke_url: Option<Url>,
    /// The name that the service gave.
    pub client_id: String,
    /// The secret that it gave.
    pub client_secret: SecretString,
    /// Whether the secret goes into the body, for services that do not take it in a header.
    #[serde(default)]
    pub secret_in_body: bool,
    /// What is asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OAuthError {
    /// The service says no: what it was given does not count, or not any more.
    #[error("the service refused: {0}")]
    Refused(String),
    /// The service takes us for nobody: a fault of the platform's settings.
    #[error("the service does not accept this platform as its client: {0}")]
    Client(String),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the service's answer is not what OAuth says")]
    Answer,
}

/// One service, ready to be asked.
pub(crate) struct OAuthClient<'a> {
    config: &'a OAuthConfig,
    outbound: &'a Outbound,
    redirect: RedirectUrl,
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

impl<'a> OAuthClient<'a> {
    pub(crate) fn new(config: &'a OAuthConfig, outbound: &'a Outbound, redirect: Url) -> Self {
        Self { config, outbound, redirect: RedirectUrl::from_url(redirect) }
    }

    /// Where somebody consents.
    pub(crate) fn authorize_url(&self, state: String, verifier: &str) -> Url {
        let verifier = PkceCodeVerifier::new(verifier.to_owned());
        let scopes = self.config.scopes.iter().cloned().map(Scope::new);
        let client = self.client();
        let asked = client.authorize_url(|| CsrfToken::new(state)).add_scopes(scopes);
        asked.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier)).url().0
    }

    /// The tokens for what the service gave somebody who consented.
    pub(crate) async fn exchange(
        &self,
        code: String,
        verifier: String,
        now: Timestamp,
    ) -> Result<Connection, OAuthError> {
        let client = self.client();
        let request = client.exchange_code(AuthorizationCode::new(code));
        let answer = request.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(&self.http()).await;
        Ok(connection(&answer.map_err(fault)?, None, now))
    }

    /// The tokens that come after these.
    pub(crate) async fn refresh(&self, token: &SecretString, now: Timestamp) -> Result<Connection, OAuthError> {
        let (client, token_before) = (self.client(), RefreshToken::new(token.expose_secret().to_owned()));
        let answer = client.exchange_refresh_token(&token_before).request_async(&self.http()).await;
        Ok(connection(&answer.map_err(fault)?, Some(token), now))
    }

    /// Asks the service to forget a connection, if it does that.
    pub(crate) async fn revoke(&self, connection: &Connection) -> Result<(), OutboundError> {
        let Some(url) = &self.config.revoke_url else { return Ok(()) };
        // That of the longer life takes the other one with it (RFC 7009 section 2.1).
        let token = connection.refresh_token.as_ref().unwrap_or(&connection.access_token);
        let (id, secret) = (self.config.client_id.as_str(), self.config.client_secret.expose_secret());
        let mut fields = vec![("token", token.expose_secret())];
        let mut request = self.outbound.request(http::Method::POST, url.clone());
        if self.config.secret_in_body {
            fields.extend([("client_id", id), ("client_secret", secret)]);
        } else {
            request = request.basic_auth(id, Some(secret));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        self.outbound.send(request).await.map(drop)
    }

    fn client(&self) -> Client {
        let config = self.config;
        BasicClient::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(ClientSecret::new(config.client_secret.expose_secret().to_owned()))
            .set_auth_type(if config.secret_in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
            .set_auth_uri(AuthUrl::from_url(config.authorize_url.clone()))
            .set_token_uri(TokenUrl::from_url(config.token_url.clone()))
            .set_redirect_uri(self.redirect.clone())
    }

    fn http(&self) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, OutboundError>> + use<> {
        let outbound = self.outbound.clone();
        move |request| Box::pin(send(outbound.clone(), request))
    }
}

async fn send(outbound: Outbound, request: HttpRequest) -> Result<HttpResponse, OutboundError> {
    let (head, body) = request.into_parts();
    let url = head.uri.to_string().parse().map_err(|_| OutboundError::Blocked("its address is no URL".to_owned()))?;
    let reply = outbound.send(outbound.request(head.method, url).headers(head.headers).body(body)).await?;
    let mut response = HttpResponse::new(reply.body.into());
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

fn connection(answer: &BasicTokenResponse, refresh_before: Option<&SecretString>, now: Timestamp) -> Connection {
    let refresh_token = answer.refresh_token().map(|token| SecretString::from(token.secret().clone()));
    Connection {
        access_token: answer.access_token().secret().clone().into(),
        // A service that gives no new one goes on with the old one (RFC 6749 section 6).
        refresh_token: refresh_token.or_else(|| refresh_before.cloned()),
        expires_at: answer.expires_in().and_then(|after| now.checked_add(after.min(LONGEST)).ok()),
    }
}

/// No token lasts longer; a number from outside could be anything.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

fn fault(error: BasicRequestTokenError<OutboundError>) -> OAuthError {
    match error {
        BasicRequestTokenError::ServerResponse(response) => refusal(&response),
        BasicRequestTokenError::Request(error) => error.into(),
        // What could not be read may hold a token.
        BasicRequestTokenError::Parse(..) | BasicRequestTokenError::Other(_) => OAuthError::Answer,
    }
}

fn refusal(response: &StandardErrorResponse<BasicErrorResponseType>) -> OAuthError {
    let text = match response.error_description() {
        Some(description) => format!("{} ({description})", response.error()),
        None => response.error().to_string(),
    };
    match response.error() {
        BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient => OAuthError::Client(text),
        _ => OAuthError::Refused(text),
    }
}
