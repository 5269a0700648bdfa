//! With which account at its service an enabled integration is connected, by OAuth. It ends with the enablement.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{BATCH, EnablementError, Enablements};
use crate::store::StoreError;
use crate::store::connections::{self, Sealed};
use crate::{IntegrationId, Scope};

/// What a service gave for somebody's consent.
#[derive(Clone, Debug)]
pub struct Connection {
    /// With which the service is called.
    pub access_token: SecretString,
    /// With which another of these is asked for, if the service gives any.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends, if the service said so.
    pub expires_at: Option<Timestamp>,
}

/// A connection as it was read, so that what is based on it takes no other one's place.
#[derive(Clone, Debug)]
pub struct KeptConnection {
    /// What is kept.
    pub connection: Connection,
    sealed: String,
}

/// The form in which it is sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    access_token: String,
    refresh_token: Option<String>,
    expires_at: Option<Timestamp>,
}

impl Enablements {
    /// Notes that somebody goes to the service to consent. Only the last attempt counts; `attempt` is the hash of what
    /// they come back with.
    ///
    /// # Errors
    /// [`EnablementError::NotEnabled`], or that of the database.
    pub async fn begin_connection(
        &self,
        scope: &Scope,
        integration: &IntegrationId,
        attempt: &str,
    ) -> Result<(), EnablementError> {
        let tx = self.begin().await?;
        let begun = connections::set_attempt(scope, &tx, integration, attempt).await?;
        tx.commit().await?;
        begun.then_some(()).ok_or(EnablementError::NotEnabled)
    }

    /// Whether this is the attempt that was begun last. It is none any more then.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn use_connection_attempt(
        &self,
        scope: &Scope,
        integration: &IntegrationId,
        attempt: &str,
    ) -> Result<bool, StoreError> {
        let tx = self.db.begin().await?;
        let used = connections::use_attempt(scope, &tx, integration, attempt).await?;
        tx.commit().await?;
        Ok(used)
    }

    /// What is kept, if the integration is connected.
    ///
    /// # Errors
    /// When the database refuses, or what is kept does not open.
    pub async fn connection(
        &self,
        scope: &Scope,
        integration: &IntegrationId,
    ) -> Result<Option<KeptConnection>, StoreError> {
        let sealed = connections::find(scope, self.db.conn(), integration).await?;
        sealed.map(|sealed| self.open_connection(scope, integration, sealed)).transpose()
    }

    /// Keeps a connection, in place of any that there was.
    ///
    /// # Errors
    /// [`EnablementError::NotEnabled`], or that of the database.
    pub async fn connect(
        &self,
        scope: &Scope,
        integration: &IntegrationId,
        connection: &Connection,
    ) -> Result<(), EnablementError> {
        let sealed = self.seal_connection(scope, integration, connection);
        let tx = self.begin().await?;
        let kept = connections::set(scope, &tx, integration, Some(&sealed)).await?;
        tx.commit().await?;
        kept.then_some(()).ok_or(EnablementError::NotEnabled)
    }

    /// Keeps a connection in place of this one, if it is still there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn renew_connection(
        &self,
        scope: &Scope,
        integration: &IntegrationId,
        before: &KeptConnection,
        connection: &Connection,
    ) -> Result<bool, StoreError> {
        let sealed = self.seal_connection(scope, integration, connection);
        let tx = self.db.begin().await?;
        let replaced = connections::replace(scope, &tx, integration, &before.sealed, &sealed).await?;
        tx.commit().await?;
        Ok(replaced)
    }

    /// Forgets a connection. That there is none is no error.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn disconnect(&self, scope: &Scope, integration: &IntegrationId) -> Result<(), StoreError> {
        let tx = self.db.begin().await?;
        connections::set(scope, &tx, integration, None).await?;
        tx.commit().await?;
        Ok(())
    }

    /// As [`Enablements::reseal_anywhere`], of which this is a part.
    pub(super) async fn reseal_connections_anywhere(&self) -> Result<u64, StoreError> {
        let (mut after, mut resealed) = ((String::new(), String::new()), 0);
        loop {
            let page = connections::page_anywhere(self.db.conn(), (&after.0, &after.1), BATCH).await?;
            let Some(last) = page.last() else { return Ok(resealed) };
            after = (last.scope.to_string(), last.integration.to_string());
            for Sealed { scope, integration, sealed } in page {
                if self.keys.ring().needs_reseal(&sealed) {
                    let kept = self.open_connection(&scope, &integration, sealed)?;
                    let renewed = self.renew_connection(&scope, &integration, &kept, &kept.connection).await?;
                    resealed += u64::from(renewed);
                }
            }
        }
    }

    fn seal_connection(&self, scope: &Scope, integration: &IntegrationId, connection: &Connection) -> String {
        let exposed = |secret: &SecretString| secret.expose_secret().to_owned();
        let stored = serde_json::json!(Stored {
            access_token: exposed(&connection.access_token),
            refresh_token: connection.refresh_token.as_ref().map(exposed),
            expires_at: connection.expires_at,
        });
        self.keys.seal(&stored.to_string(), &bound_to(scope, integration), &*self.entropy)
    }

    fn open_connection(
        &self,
        scope: &Scope,
        integration: &IntegrationId,
        sealed: String,
    ) -> Result<KeptConnection, StoreError> {
        let opened = self.keys.open(&sealed, &bound_to(scope, integration));
        let opened = opened.map_err(|source| StoreError::Sealed { field: "connection".to_owned(), source })?;
        // The fault would show what was sealed.
        let stored = serde_json::from_str(&opened).map_err(|_| StoreError::Unreadable("a connection".to_owned()));
        let Stored { access_token, refresh_token, expires_at } = stored?;
        let refresh_token = refresh_token.map(SecretString::from);
        let connection = Connection { access_token: access_token.into(), refresh_token, expires_at };
        Ok(KeptConnection { connection, sealed })
    }
}

/// A sealed connection opens in its own row only.
fn bound_to(scope: &Scope, integration: &IntegrationId) -> String {
    format!("integration_connection/{scope}/{integration}")
}
