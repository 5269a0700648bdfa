//! Taking a request in: who it is for, whether it is believed, and what comes of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::believe::{Proof, prove};
use super::{InboundReply, InboundRequest, MAX_INBOUND_BYTES, RECEIVE_TIMEOUT, Verifier};
use crate::delivery::Origin;
use crate::delivery::post::{Source, To};
use crate::delivery::recipient::{Ready, Recipient};
use crate::manager::isolated;
use crate::run::{self, Run};
use crate::start::Outbox;
use crate::store::{StoreError, notices, runs};
use crate::{Fault, Host, Manager};

/// Who sent a request, as far as it was proved.
struct Believed {
    message_id: Option<String>,
    run: Option<Run>,
}

impl<H: Host> Manager<H> {
    /// Takes a request that a third-party service sent to the address of a configuration, which is its id, and says
    /// what to answer.
    ///
    /// It never says why a request is not taken, nor whether there is such a configuration: that is in the log.
    pub async fn receive(&self, address: &str, request: InboundRequest) -> InboundReply {
        if request.body.len() > MAX_INBOUND_BYTES {
            return InboundReply::too_large();
        }
        let Ok(config) = address.parse() else { return InboundReply::refused() };
        // From memory: nobody who has proved nothing makes us ask the database.
        let Recipient::Ready(to) = self.recipient_now(config) else { return InboundReply::refused() };
        self.take(&to, request).await.unwrap_or_else(|Unhandled(reason)| {
            tracing::warn!(%config, reason, "a request from outside could not be handled");
            InboundReply::later()
        })
    }

    async fn take(&self, to: &Ready<H>, request: InboundRequest) -> Result<InboundReply, Unhandled> {
        let declared = catch_unwind(AssertUnwindSafe(|| to.handle.inbound(&to.config)));
        let Some(verifier) = declared.unwrap_or_default() else { return Ok(InboundReply::refused()) };
        let Some(believed) = self.believe(to, &verifier, &request).await? else {
            tracing::info!(config = %to.id, "a request from outside was not believed");
            return Ok(InboundReply::refused());
        };
        if let Some(message) = &believed.message_id
            && notices::was_received(self.post().db().conn(), to.id, message).await?
        {
            return Ok(InboundReply::accepted());
        }
        let outbox = Outbox::new(self.context().clone());
        let (handle, config, context) = (to.handle.clone(), to.config.clone(), self.context().clone());
        let (handed, run) = (outbox.clone(), believed.run);
        let receiving = async move { handle.receive(config, request, run, context, handed).await };
        let reply = isolated("receiving", RECEIVE_TIMEOUT, receiving).await.and_then(|reply| reply);
        let reply = reply.map_err(|fault| Unhandled(to.redactor().line(&fault.to_string())))?;
        self.keep_received(to, believed.message_id.as_deref(), &outbox).await?;
        Ok(reply)
    }

    async fn believe(
        &self,
        to: &Ready<H>,
        verifier: &Verifier,
        request: &InboundRequest,
    ) -> Result<Option<Believed>, Unhandled> {
        let believed = |message_id| Some(Believed { message_id, run: None });
        match prove(verifier, request, self.post().now().as_second()) {
            Proof::Believed { message_id } => Ok(believed(message_id)),
            Proof::Refused => Ok(None),
            Proof::Token(token) => {
                let found = runs::find_by_token(self.post().db().conn(), to.id, &run::hash(&token)).await?;
                let run = found.filter(|run| !run.status.is_finished());
                Ok(run.map(|run| Believed { message_id: None, run: Some(run) }))
            }
            Proof::Signature { signature, content } => {
                let Verifier::PublicKey { key, algorithm, .. } = verifier else { return Ok(None) };
                let keys = &self.post().public_keys;
                let fits = keys.fits(key, *algorithm, (&signature, &content), self.context()).await?;
                Ok(fits.then(|| believed(None)).flatten())
            }
        }
    }

    /// Stores what the integration handed over, once for each message.
    async fn keep_received(&self, to: &Ready<H>, message: Option<&str>, outbox: &Outbox) -> Result<(), Unhandled> {
        let post = self.post();
        let handed = outbox.take();
        if message.is_none() && handed.is_empty() {
            return Ok(());
        }
        let tx = post.db().begin().await?;
        if let Some(message) = message
            && !notices::insert_received(&tx, to.id, message, post.now()).await?
        {
            // The same message was taken while this one was being handled.
            return Ok(());
        }
        let seed = message.map_or_else(|| post.new_uuid().to_string(), str::to_owned);
        let to = To::Config(&to.integration, &to.scope, to.id);
        let source = Source { origin: Origin::Inbound, event: None, seed, at: post.now(), to };
        self.keep(&tx, &source, handed).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Why a request that is believed was not handled.
struct Unhandled(String);

impl From<Fault> for Unhandled {
    fn from(fault: Fault) -> Self {
        Self(fault.to_string())
    }
}

impl From<StoreError> for Unhandled {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<sea_orm::DbErr> for Unhandled {
    fn from(error: sea_orm::DbErr) -> Self {
        Self(error.to_string())
    }
}
