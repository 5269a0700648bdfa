//! Tells a site's build webhook that a build is wanted, signed after the Standard Webhooks scheme, and the site's hooks
//! that one was: at least once.

use std::time::Duration;

use http::Method;
use outrigger_db::{Attempt, Backoff, End, Job, NewJob, Next, StepError, Tx};
use outrigger_integrations::webhook_signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecret, sign};
use serde::{Deserialize, Serialize};

use super::App;
use crate::store::StoreError;
use crate::store::deliveries::{AttemptOutcome, Delivery, DeliveryState};
use crate::store::ids::DeliveryId;

/// The job.
pub(crate) struct DeliverBuild(pub(crate) App);

#[derive(Serialize, Deserialize)]
pub(crate) struct DeliveryPayload {
    delivery_id: DeliveryId,
}

/// Enqueues the delivery; those of a site to one receiver go out one after the other.
pub(crate) async fn schedule(
    app: &crate::app::App,
    tx: &Tx,
    delivery: &Delivery,
    receiver: &str,
) -> Result<(), StoreError> {
    let job = NewJob::of::<DeliverBuild>(&DeliveryPayload { delivery_id: delivery.id.clone() })
        .lane(format!("builds/{}/{receiver}", delivery.site_id));
    app.store.jobs().enqueue(tx, job).await?;
    Ok(())
}

/// Makes the secret of a webhook in the scheme's own text form.
pub(crate) fn new_secret(entropy: &dyn outrigger_db::Entropy) -> String {
    let mut key = [0; 24];
    entropy.fill(&mut key);
    WebhookSecret::from_bytes(&key).to_text()
}

impl Job for DeliverBuild {
    const KIND: &'static str = "deliver_build";
    const STEPS: &'static [&'static str] = &["send"];
    type Payload = DeliveryPayload;

    fn retry(&self) -> Backoff {
        // Eight tries over about a day.
        let first = self.0.config.retry_pause * 5;
        Backoff {
            first,
            factor: 6.0,
            cap: Duration::from_secs(10 * 60 * 60),
            max_attempts: Some(8),
            ..Backoff::default()
        }
    }

    async fn step(&self, _: &'static str, payload: &DeliveryPayload, attempt: &Attempt) -> Result<Next, StepError> {
        let app = &*self.0;
        let Some(delivery) = app.store.find_delivery_anywhere(&payload.delivery_id).await? else {
            return Ok(Next::Finish);
        };
        if delivery.state != DeliveryState::Pending {
            return Ok(Next::Finish);
        }
        let started_at = app.store.clock().now();
        let sent = self.send(&delivery).await?;
        let duration = app.store.clock().now().duration_since(started_at);
        let outcome = AttemptOutcome {
            status: sent.as_ref().ok().map(|(status, _)| *status),
            error: sent.as_ref().err().cloned(),
            duration_ms: i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
            started_at: started_at.into(),
        };
        let delivered = matches!(&sent, Ok((200..=299, _)));
        let ended = delivered.then_some(DeliveryState::Delivered);
        let tx = app.store.begin().await?;
        app.store.log_attempt(&delivery.site_id, &tx, &delivery.id, outcome, ended).await?;
        if delivered {
            attempt.record(&tx, &Next::Finish).await?;
        }
        app.store.commit(tx).await?;
        match sent {
            Ok(_) if delivered => Ok(Next::Finish),
            // 410 says: never again.
            Ok((410, _)) => Err(StepError::fail("the webhook answers 410: it is gone")),
            Ok((status, after)) => Err(StepError::Retry { reason: format!("the webhook answers {status}"), after }),
            Err(reason) => Err(StepError::retry(reason)),
        }
    }

    async fn ended(&self, payload: &DeliveryPayload, _: &End, _: &Attempt) -> Result<(), StepError> {
        let store = &self.0.store;
        let Some(delivery) = store.find_delivery_anywhere(&payload.delivery_id).await? else { return Ok(()) };
        let tx = store.begin().await?;
        store.end_delivery(&delivery.site_id, &tx, &delivery.id, DeliveryState::Failed).await?;
        store.commit(tx).await?;
        Ok(())
    }
}

type Sent = Result<(u16, Option<Duration>), String>;

impl DeliverBuild {
    async fn send(&self, delivery: &Delivery) -> Result<Sent, StepError> {
        let app = &*self.0;
        let Some(site) = app.store.find_site_anywhere(delivery.site_id.as_str()).await? else {
            return Ok(Err("the site is gone".to_owned()));
        };
        let timestamp = app.store.clock().now().as_second();
        let Ok(url) = delivery.url.parse() else { return Ok(Err("the webhook's URL is not valid".to_owned())) };
        let mut request = app
            .outbound
            .request(Method::POST, url)
            .header("content-type", "application/json")
            .header(ID_HEADER, delivery.id.as_str())
            .header(TIMESTAMP_HEADER, timestamp.to_string())
            .body(delivery.body.clone());
        // Only the site's own webhook knows the secret; hooks of others have none to verify with.
        if site.build_webhook_url.as_ref() == Some(&delivery.url) {
            let secret = app.store.build_webhook_secret(&site)?.unwrap_or_default();
            let Ok(secret) = secret.parse::<WebhookSecret>() else {
                return Ok(Err("the site's webhook has no valid secret; set the webhook again".to_owned()));
            };
            let signature = sign(&[secret], delivery.id.as_str(), timestamp, delivery.body.as_bytes());
            request = request.header(SIGNATURE_HEADER, signature);
        }
        let reply = app.outbound.send(request).await;
        Ok(reply.map(|reply| (reply.status.as_u16(), retry_after(&reply.headers))).map_err(|fault| fault.to_string()))
    }
}

fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(24 * 60 * 60)))
}
