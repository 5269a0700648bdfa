//! Instances: an add-on in use on a site, from the intent to the tombstone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use outrigger_addon::instances::InstanceDetails;
use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::addons::addon;
use super::ids::{AddonId, InstanceId, SiteId};
use super::{Store, StoreError, Time, taken};

pub(super) mod instance {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "instance")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: InstanceId,
        pub site_id: SiteId,
        pub addon_id: AddonId,
        pub state: InstanceState,
        pub reason: Option<String>,
        pub fault: Option<Fault>,
        pub state_since: Time,
        pub reach: Reach,
        pub remote_id: Option<String>,
        pub endpoint: Option<String>,
        pub message: Option<String>,
        pub replace_env: bool,
        pub sealed_config: String,
        pub sealed_pending_config: Option<String>,
        pub sealed_answer: Option<String>,
        pub sealed_secrets: String,
        pub created_at: Time,
        pub updated_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Where an instance is in its life (DESIGN section "Add-ons: lifecycle").
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize, utoipa::ToSchema)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum InstanceState {
    #[sea_orm(string_value = "provisioning")]
    Provisioning,
    #[sea_orm(string_value = "active")]
    Active,
    #[sea_orm(string_value = "updating")]
    Updating,
    #[sea_orm(string_value = "deprovisioning")]
    Deprovisioning,
    /// It could not be made, and nothing is left at the partner.
    #[sea_orm(string_value = "failed")]
    Failed,
    /// The partner may hold one, and we cannot find out: a person decides (adopt, retry, detach).
    #[sea_orm(string_value = "unconfirmed")]
    Unconfirmed,
    /// A tombstone: a person let go of it without the partner's word.
    #[sea_orm(string_value = "detached")]
    Detached,
}

/// What may exist at the partner. Written before a call that may create something, and after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Reach {
    #[sea_orm(string_value = "nothing")]
    Nothing,
    #[sea_orm(string_value = "maybe")]
    Maybe,
    #[sea_orm(string_value = "made")]
    Made,
}

/// Whose fault the last failure was; decides the status of the API's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize, utoipa::ToSchema)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The partner refused what the caller asked for.
    #[sea_orm(string_value = "request")]
    Request,
    /// The partner is down, unreachable, or answers what the protocol does not allow.
    #[sea_orm(string_value = "partner")]
    Partner,
    /// A variable of that name has another owner.
    #[sea_orm(string_value = "conflict")]
    Conflict,
}

/// Values that only the partner and we know.
#[derive(Clone, Serialize, Deserialize)]
pub struct InstanceSecrets {
    /// Part of the callback URL given to the partner.
    pub callback_token: String,
    /// Sent as `config.jwt.secret` in the create request.
    pub jwt_secret: String,
    /// What the create asked for, to tell its repetition from another one; gone once the configuration is changed.
    #[serde(default)]
    pub asked: Option<Map<String, Value>>,
}

impl fmt::Debug for InstanceSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstanceSecrets")
    }
}

/// What the partner said last, kept until it is published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    #[serde(deserialize_with = "parse_details")]
    pub details: InstanceDetails,
    /// Do not ask again before this.
    pub poll_at: Option<Time>,
}

fn parse_details<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<InstanceDetails, D::Error> {
    let document = Value::deserialize(deserializer)?;
    InstanceDetails::parse(document.to_string().as_bytes()).map_err(serde::de::Error::custom)
}

/// An instance, opened.
#[derive(Clone)]
pub struct Instance {
    pub id: InstanceId,
    pub site_id: SiteId,
    pub addon_id: AddonId,
    pub state: InstanceState,
    pub reason: Option<String>,
    pub fault: Option<Fault>,
    pub state_since: Time,
    pub reach: Reach,
    pub remote_id: Option<String>,
    pub endpoint: Option<String>,
    pub message: Option<String>,
    /// Take over variables of other owners when publishing.
    pub replace_env: bool,
    pub config: Map<String, Value>,
    /// What an update asks for, until the partner has agreed.
    pub pending_config: Option<Map<String, Value>>,
    pub answer: Option<Answer>,
    pub secrets: InstanceSecrets,
    pub created_at: Time,
    pub updated_at: Time,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Instance {
    /// Whether it was never made: nothing to remove, and a new attempt may take its place.
    pub fn came_to_nothing(&self) -> bool {
        self.state == InstanceState::Failed && self.reach == Reach::Nothing
    }

    /// Whether it is what the site has of its add-on: neither a tombstone nor a try that left nothing.
    pub fn is_there(&self) -> bool {
        !self.came_to_nothing() && self.state != InstanceState::Detached
    }

    /// Whether the site is rid of it or about to be: work on it must stop.
    pub fn is_leaving(&self) -> bool {
        matches!(self.state, InstanceState::Deprovisioning | InstanceState::Detached)
    }

    /// Moves to a state, with the reason when there is one.
    pub fn enter(&mut self, state: InstanceState, reason: Option<String>, now: Time) {
        self.state = state;
        self.reason = reason;
        self.state_since = now;
    }
}

impl Store {
    fn open_instance(&self, row: instance::Model) -> Result<Instance, StoreError> {
        let pending = row.sealed_pending_config.as_deref();
        let answer = row.sealed_answer.as_deref();
        Ok(Instance {
            config: self.open_json("instance.config", &row.id, &row.sealed_config)?,
            pending_config: pending.map(|s| self.open_json("instance.pending_config", &row.id, s)).transpose()?,
            answer: answer.map(|s| self.open_json("instance.answer", &row.id, s)).transpose()?,
            secrets: self.open_json("instance.secrets", &row.id, &row.sealed_secrets)?,
            id: row.id,
            site_id: row.site_id,
            addon_id: row.addon_id,
            state: row.state,
            reason: row.reason,
            fault: row.fault,
            state_since: row.state_since,
            reach: row.reach,
            remote_id: row.remote_id,
            endpoint: row.endpoint,
            message: row.message,
            replace_env: row.replace_env,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    fn seal_instance(&self, instance: &Instance) -> Result<instance::ActiveModel, StoreError> {
        let id = &instance.id;
        let pending = instance.pending_config.as_ref();
        let answer = instance.answer.as_ref();
        Ok(instance::ActiveModel {
            id: Set(id.clone()),
            site_id: Set(instance.site_id.clone()),
            addon_id: Set(instance.addon_id.clone()),
            state: Set(instance.state),
            reason: Set(instance.reason.clone()),
            fault: Set(instance.fault),
            state_since: Set(instance.state_since),
            reach: Set(instance.reach),
            remote_id: Set(instance.remote_id.clone()),
            endpoint: Set(instance.endpoint.clone()),
            message: Set(instance.message.clone()),
            replace_env: Set(instance.replace_env),
            sealed_config: Set(self.seal_json("instance.config", id, &instance.config)?),
            sealed_pending_config: Set(pending
                .map(|value| self.seal_json("instance.pending_config", id, value))
                .transpose()?),
            sealed_answer: Set(answer.map(|value| self.seal_json("instance.answer", id, value)).transpose()?),
            sealed_secrets: Set(self.seal_json("instance.secrets", id, &instance.secrets)?),
            created_at: Set(instance.created_at),
            updated_at: Set(self.now()),
        })
    }

    /// Writes the intent: an instance that is to be provisioned.
    pub async fn insert_instance(
        &self,
        site: &SiteId,
        tx: &Tx,
        addon: &AddonId,
        config: Map<String, Value>,
        replace_env: bool,
    ) -> Result<Instance, StoreError> {
        let now = self.now();
        let instance = Instance {
            id: InstanceId::generate(self.clock(), self.entropy()),
            site_id: site.clone(),
            addon_id: addon.clone(),
            state: InstanceState::Provisioning,
            reason: None,
            fault: None,
            state_since: now,
            reach: Reach::Nothing,
            remote_id: None,
            endpoint: None,
            message: None,
            replace_env,
            pending_config: None,
            answer: None,
            secrets: InstanceSecrets {
                callback_token: outrigger_db::token(self.entropy()),
                jwt_secret: outrigger_db::token(self.entropy()),
                asked: Some(config.clone()),
            },
            config,
            created_at: now,
            updated_at: now,
        };
        let row = self.seal_instance(&instance)?;
        instance::Entity::insert(row).exec_without_returning(&**tx).await.map_err(taken("the add-on on this site"))?;
        Ok(instance)
    }

    /// Writes the whole instance back. The caller holds it locked (`lock_instance…`) in the same transaction.
    pub async fn update_instance(&self, site: &SiteId, tx: &Tx, instance: &Instance) -> Result<(), StoreError> {
        let row = self.seal_instance(instance)?;
        instance::Entity::update(row).validate()?.filter(instance::Column::SiteId.eq(site.clone())).exec(&**tx).await?;
        self.reroute(site, tx);
        Ok(())
    }

    /// One instance of a site.
    pub async fn find_instance(&self, site: &SiteId, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        let of_site = instance::Entity::find_by_id(id.clone()).filter(instance::Column::SiteId.eq(site.clone()));
        self.one_instance(of_site, self.db.conn()).await
    }

    /// The same, locked until the transaction ends.
    pub async fn lock_instance(&self, site: &SiteId, tx: &Tx, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        let of_site = instance::Entity::find_by_id(id.clone()).filter(instance::Column::SiteId.eq(site.clone()));
        self.one_instance(of_site.lock_exclusive(), &**tx).await
    }

    /// For jobs and callbacks, which know an instance by its id alone.
    pub async fn find_instance_anywhere(&self, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        self.one_instance(instance::Entity::find_by_id(id.clone()), self.db.conn()).await
    }

    /// The same, locked until the transaction ends.
    pub async fn lock_instance_anywhere(&self, tx: &Tx, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        self.one_instance(instance::Entity::find_by_id(id.clone()).lock_exclusive(), &**tx).await
    }

    /// The instance of an add-on on a site, tombstones aside, locked until the transaction ends.
    pub async fn lock_instance_of_addon(
        &self,
        site: &SiteId,
        tx: &Tx,
        addon: &AddonId,
    ) -> Result<Option<Instance>, StoreError> {
        let query = instance::Entity::find()
            .filter(instance::Column::SiteId.eq(site.clone()))
            .filter(instance::Column::AddonId.eq(addon.clone()))
            .filter(instance::Column::State.ne(InstanceState::Detached))
            .lock_exclusive();
        self.one_instance(query, &**tx).await
    }

    async fn one_instance(
        &self,
        query: Select<instance::Entity>,
        conn: &impl ConnectionTrait,
    ) -> Result<Option<Instance>, StoreError> {
        query.one(conn).await?.map(|row| self.open_instance(row)).transpose()
    }

    /// The instances of a site, oldest first, tombstones included.
    pub async fn instances_of_site(&self, site: &SiteId) -> Result<Vec<Instance>, StoreError> {
        let rows = instance::Entity::find()
            .filter(instance::Column::SiteId.eq(site.clone()))
            .order_by_asc(instance::Column::Id)
            .all(self.db.conn())
            .await?;
        rows.into_iter().map(|row| self.open_instance(row)).collect()
    }

    /// How many sites use an add-on, tombstones aside.
    pub async fn count_instances_anywhere(&self, addon: &AddonId) -> Result<u64, StoreError> {
        Ok(instance::Entity::find()
            .filter(instance::Column::AddonId.eq(addon.clone()))
            .filter(instance::Column::State.ne(InstanceState::Detached))
            .count(self.db.conn())
            .await?)
    }

    /// The slugs of the add-ons of instances.
    pub(super) async fn addon_slugs(
        &self,
        instances: impl IntoIterator<Item = InstanceId>,
        conn: &impl ConnectionTrait,
    ) -> Result<BTreeMap<InstanceId, String>, StoreError> {
        let ids: BTreeSet<InstanceId> = instances.into_iter().collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let pairs: Vec<(InstanceId, AddonId)> = instance::Entity::find()
            .select_only()
            .columns([instance::Column::Id, instance::Column::AddonId])
            .filter(instance::Column::Id.is_in(ids))
            .into_tuple()
            .all(conn)
            .await?;
        let wanted = addon::Column::Id.is_in(pairs.iter().map(|(_, addon)| addon.clone()));
        let addons = addon::Entity::find().filter(wanted).all(conn).await?;
        let slug_of = |id: &AddonId| addons.iter().find(|addon| addon.id == *id).map(|addon| addon.slug.clone());
        Ok(pairs.into_iter().filter_map(|(instance, addon)| Some((instance, slug_of(&addon)?))).collect())
    }

    /// Deletes an instance with all that it owns.
    pub async fn delete_instance(&self, site: &SiteId, tx: &Tx, id: &InstanceId) -> Result<(), StoreError> {
        instance::Entity::delete_by_id(id.clone())
            .filter(instance::Column::SiteId.eq(site.clone()))
            .exec(&**tx)
            .await?;
        self.reroute(site, tx);
        Ok(())
    }

    pub(super) async fn delete_tombstones(&self, site: &SiteId, tx: &Tx) -> Result<(), StoreError> {
        instance::Entity::delete_many()
            .filter(instance::Column::SiteId.eq(site.clone()))
            .filter(instance::Column::State.eq(InstanceState::Detached))
            .exec(&**tx)
            .await?;
        Ok(())
    }
}
