//! Putting messages into queues, and what the jobs of deliveries share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use outrigger_db::{Backoff, Clock, Db, Entropy, Job as _, Jobs, Keys, NewJob, SealError, Tx};
use sea_orm::DbErr;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::policy::DeliveryPolicy;
use super::send::{DeliveryPayload, SendDelivery};
use super::{Origin, Retention};
use crate::inbound::KeyCache;
use crate::notice::{Listeners, Notice, NoticeKind};
use crate::run::Run;
use crate::start::Handed;
use crate::store::deliveries::{self, NewDelivery};
use crate::store::{StoreError, notices, runs};
use crate::{ConfigId, DeliveryId, EventId, Host, IntegrationId, Manager, Scope};

/// How many messages and events an integration may be busy with at a time in one process: what hangs there must not
/// take all the hands of the worker.
const HANDS: usize = 4;

/// For the jobs of the framework: a database that is away comes back. What fails otherwise is counted and given up by
/// the jobs themselves.
pub(crate) fn patient() -> Backoff {
    Backoff { cap: Duration::from_secs(60), max_attempts: None, ..Backoff::default() }
}

/// What deliveries, events and runs need of the process.
pub(crate) struct Post {
    db: Db,
    jobs: Jobs,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    policy: DeliveryPolicy,
    retention: Retention,
    pub(crate) listeners: Listeners,
    pub(crate) public_keys: KeyCache,
    hands: Mutex<HashMap<IntegrationId, Arc<Semaphore>>>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Post {
    pub(crate) fn new(
        db: Db,
        keys: Arc<Keys>,
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
        policy: DeliveryPolicy,
        retention: Retention,
    ) -> Self {
        Self {
            jobs: Jobs::new(db.clone(), clock.clone(), entropy.clone()),
            db,
            keys,
            clock,
            entropy,
            policy,
            retention,
            listeners: Listeners::default(),
            public_keys: KeyCache::default(),
            hands: Mutex::default(),
        }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    pub(crate) fn policy(&self) -> &DeliveryPolicy {
        &self.policy
    }

    pub(crate) fn retention(&self) -> &Retention {
        &self.retention
    }

    /// The present, to the millisecond, as it is stored.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.millis()).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn millis(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// A number from 0 to 1.
    pub(crate) fn chance(&self) -> f64 {
        let mut random = [0; 4];
        self.entropy.fill(&mut random);
        f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX)
    }

    pub(crate) fn new_uuid(&self) -> Uuid {
        outrigger_db::uuid_v7(&*self.clock, &*self.entropy)
    }

    pub(crate) fn seal(&self, plain: &str, context: &str) -> String {
        self.keys.seal(plain, context, &*self.entropy)
    }

    pub(crate) fn open(&self, sealed: &str, context: &str) -> Result<String, SealError> {
        self.keys.open(sealed, context)
    }

    pub(crate) fn open_message(&self, id: DeliveryId, sealed: &str) -> Result<String, SealError> {
        self.open(sealed, &message_context(id))
    }

    /// A hand for an integration, if one is free.
    pub(crate) fn hand(&self, integration: &IntegrationId) -> Option<OwnedSemaphorePermit> {
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        let of = hands.entry(integration.clone()).or_insert_with(|| Arc::new(Semaphore::new(HANDS)));
        of.clone().try_acquire_owned().ok()
    }

    /// Stores a notice in the transaction. Those who listen are told by the caller, once it has committed.
    pub(crate) async fn note(
        &self,
        tx: &Tx,
        (scope, config, integration): (&Scope, Option<ConfigId>, &IntegrationId),
        kind: NoticeKind,
        reason: &str,
    ) -> Result<Notice, DbErr> {
        let notice = Notice {
            id: format!("ntc_{}", self.new_uuid().simple()),
            scope: scope.clone(),
            config,
            integration: integration.clone(),
            kind,
            reason: reason.to_owned(),
            at: self.now(),
        };
        notices::insert(tx, &notice).await?;
        Ok(notice)
    }

    /// Seals all messages that are sealed with an old key anew, and says how many.
    pub(crate) async fn reseal(&self) -> Result<u64, StoreError> {
        const PAGE: u64 = 200;
        let (mut after, mut resealed) = (String::new(), 0);
        loop {
            let page = deliveries::sealed_page(self.db.conn(), &after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(resealed) };
            after = last.to_string();
            let ring = self.keys.ring();
            let tx = self.db.begin().await?;
            for (id, sealed) in page.iter().filter(|(_, sealed)| ring.needs_reseal(sealed)) {
                // One whose key is gone cannot be saved by stopping at it.
                let Ok(message) = self.open_message(*id, sealed) else { continue };
                deliveries::replace_sealed(&tx, *id, sealed, &self.seal(&message, &message_context(*id))).await?;
                resealed += 1;
            }
            tx.commit().await?;
        }
    }
}

fn message_context(id: DeliveryId) -> String {
    format!("integration_delivery/message/{id}")
}

/// Where messages and runs come from: what their ids are derived from, and to whom they may go.
pub(crate) struct Source<'a> {
    pub(crate) origin: Origin,
    pub(crate) event: Option<EventId>,
    /// The same each time the same work is done again.
    pub(crate) seed: String,
    pub(crate) at: Timestamp,
    pub(crate) to: To<'a>,
}

/// To whom messages may go.
pub(crate) enum To<'a> {
    /// To the configurations of an integration in these scopes.
    Scopes(&'a IntegrationId, &'a [Scope]),
    /// To one configuration.
    Config(&'a IntegrationId, &'a Scope, ConfigId),
}

impl<'a> Source<'a> {
    pub(crate) fn rerun(run: &'a Run) -> Self {
        let to = To::Config(&run.integration, &run.scope, run.config);
        Self { origin: Origin::Rerun, event: None, seed: run.id.to_string(), at: run.created_at, to }
    }
}

/// What was stored of what was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) deliveries: u32,
}

impl<H: Host> Manager<H> {
    /// Stores what was handed over, all in the caller's transaction. Messages get the same ids each time, so that none
    /// is there twice.
    pub(crate) async fn keep(&self, tx: &Tx, source: &Source<'_>, handed: Vec<Handed>) -> Result<Kept, StoreError> {
        let mut kept = Kept::default();
        let mut numbers: HashMap<ConfigId, u16> = HashMap::new();
        for handed in handed {
            match handed {
                Handed::Message(config, message) => {
                    let Some((scope, integration)) = self.allowed(&source.to, config) else { continue };
                    let number = numbers.entry(config).or_default();
                    let id = derived(source, config, *number);
                    *number = number.saturating_add(1);
                    let (origin, event) = (source.origin, source.event);
                    let new = NewDelivery { id, scope, config, integration, origin, event };
                    kept.deliveries += u32::from(self.put(tx, &new, &message).await?);
                }
                Handed::Run(new) => {
                    let Some((scope, integration)) = self.allowed(&source.to, new.config) else { continue };
                    self.insert_run(tx, new, &scope, &integration, None).await?;
                }
                Handed::Update(config, run, update) => {
                    let found = runs::find_anywhere(&**tx, run).await?.filter(|run| run.config == config);
                    // An update that makes no sense must not lose the others; the integration was told by the type.
                    if let Some(Ok(updated)) = found.map(|run| update.apply(&run, self.post().now())) {
                        runs::update(tx, &updated, self.post().now()).await?;
                    }
                }
            }
        }
        Ok(kept)
    }

    /// Whose configuration it is, if the source may hand it anything.
    fn allowed(&self, to: &To<'_>, config: ConfigId) -> Option<(Scope, IntegrationId)> {
        match to {
            To::Config(integration, scope, id) if *id == config => Some(((*scope).clone(), (*integration).clone())),
            To::Config(..) => None,
            To::Scopes(integration, scopes) => {
                let (found, scope) = self.place_of(config)?;
                (found == **integration && scopes.contains(&scope)).then_some((scope, found))
            }
        }
    }

    /// Puts a message into the queue of its configuration. `false` if it is there already.
    pub(crate) async fn put(&self, tx: &Tx, new: &NewDelivery, message: &str) -> Result<bool, StoreError> {
        let post = self.post();
        let sealed = post.seal(message, &message_context(new.id));
        let inserted = deliveries::insert(tx, new, &sealed, post.millis()).await?;
        if inserted {
            self.enqueue(tx, new.id, new.config).await?;
        }
        Ok(inserted)
    }

    /// The job that sends a delivery, behind those of its configuration.
    pub(crate) async fn enqueue(&self, tx: &Tx, id: DeliveryId, config: ConfigId) -> Result<(), StoreError> {
        let job = NewJob::of::<SendDelivery<H>>(&DeliveryPayload { delivery_id: id });
        let job = job.key(id.to_string()).lane(format!("config/{config}"));
        self.post().jobs.enqueue(tx, job).await?;
        Ok(())
    }

    /// Lets the first message of a configuration's queue go now: its configuration has changed.
    pub(crate) async fn wake_queue(&self, tx: &Tx, config: ConfigId) -> Result<(), StoreError> {
        for id in deliveries::head(&**tx, config).await? {
            self.wake(tx, id).await?;
        }
        Ok(())
    }

    /// Lets the job of a delivery look at it now.
    pub(crate) async fn wake(&self, tx: &Tx, id: DeliveryId) -> Result<(), StoreError> {
        self.post().jobs.hurry_key(tx, SendDelivery::<H>::KIND, &id.to_string()).await?;
        Ok(())
    }
}

/// An id that is the same for the same source, configuration and number, and sorts by the time of the source.
fn derived(source: &Source<'_>, config: ConfigId, number: u16) -> DeliveryId {
    let hash = Sha256::digest(format!("{}/{}/{config}/{number}", source.origin, source.seed).as_bytes());
    let millis = u64::try_from(source.at.as_millisecond()).unwrap_or(0);
    let mut random = [0; 10];
    random.copy_from_slice(&hash[..10]);
    // Those of one source sort by their number.
    random[..2].copy_from_slice(&number.to_be_bytes());
    DeliveryId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}
