//! Variables of accounts and sites. A name has one owner per site: the people who edit it by hand, or an instance.
//! Every value is sealed, secret or not.

use std::collections::BTreeMap;

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};

use super::ids::{AccountId, EnvValueId, EnvVarId, InstanceId, SiteId, UserId};
use super::{Store, StoreError, Time, taken};

pub(super) mod env_var {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "env_var")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: EnvVarId,
        pub account_id: AccountId,
        pub site_id: Option<SiteId>,
        pub instance_id: Option<InstanceId>,
        pub name: String,
        pub scopes: String,
        pub is_secret: bool,
        pub updated_by: Option<UserId>,
        pub updated_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod env_value {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "env_value")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: EnvValueId,
        pub var_id: EnvVarId,
        pub context: String,
        pub context_parameter: String,
        pub sealed: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Both engines have a limit on the parameters of a statement, in the tens of thousands.
const MAX_PARAMETERS: usize = 1000;

/// Where a variable is kept: with the whole account, or with one of its sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvLevel {
    pub account: AccountId,
    /// `None` for variables that all sites of the account share.
    pub site: Option<SiteId>,
}

/// A value for one deploy context.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvValue {
    pub id: Option<EnvValueId>,
    /// `all`, `production`, `deploy-preview`, `branch-deploy`, `dev` or `branch`.
    pub context: String,
    /// The branch, for the context `branch`; else empty.
    pub context_parameter: String,
    pub value: String,
}

impl std::fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvValue").field("context", &self.context).finish_non_exhaustive()
    }
}

/// A variable with its values, specific contexts before `all` (contract netlify-api, section 4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVar {
    pub id: EnvVarId,
    pub name: String,
    pub scopes: Vec<String>,
    pub is_secret: bool,
    pub values: Vec<EnvValue>,
    /// Whose it is; `None` when people edit it by hand.
    pub owner: Option<EnvOwner>,
    pub updated_by: Option<UserId>,
    pub updated_at: Time,
}

/// The instance that yields a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvOwner {
    pub instance: InstanceId,
    /// The slug of its add-on.
    pub addon: String,
}

impl EnvVar {
    /// The instance that yields it; `None` when people edit it by hand.
    pub fn owner_id(&self) -> Option<&InstanceId> {
        self.owner.as_ref().map(|owner| &owner.instance)
    }
}

/// What a variable shall be.
#[derive(Clone, Debug)]
pub struct NewEnvVar {
    pub name: String,
    pub scopes: Vec<String>,
    pub is_secret: bool,
    pub values: Vec<EnvValue>,
    pub owner: Option<InstanceId>,
    pub updated_by: Option<UserId>,
}

fn of_level(level: &EnvLevel) -> Select<env_var::Entity> {
    let query = env_var::Entity::find().filter(env_var::Column::AccountId.eq(level.account.clone()));
    match &level.site {
        Some(site) => query.filter(env_var::Column::SiteId.eq(site.clone())),
        None => query.filter(env_var::Column::SiteId.is_null()),
    }
}

impl Store {
    /// All variables of the level, in order of name.
    pub async fn env_vars(&self, level: &EnvLevel) -> Result<Vec<EnvVar>, StoreError> {
        let rows = of_level(level).order_by_asc(env_var::Column::Name).all(self.db.conn()).await?;
        self.with_values(rows, self.db.conn()).await
    }

    /// One variable of the level.
    pub async fn find_env_var(&self, level: &EnvLevel, name: &str) -> Result<Option<EnvVar>, StoreError> {
        let rows = of_level(level).filter(env_var::Column::Name.eq(name)).all(self.db.conn()).await?;
        Ok(self.with_values(rows, self.db.conn()).await?.pop())
    }

    /// The variables of these names that the level has already, locked until the transaction ends.
    pub async fn env_vars_named(
        &self,
        level: &EnvLevel,
        tx: &Tx,
        names: impl IntoIterator<Item = String>,
    ) -> Result<Vec<EnvVar>, StoreError> {
        let rows = of_level(level).filter(env_var::Column::Name.is_in(names)).lock_exclusive().all(&**tx).await?;
        self.with_values(rows, &**tx).await
    }

    async fn with_values(
        &self,
        rows: Vec<env_var::Model>,
        conn: &impl ConnectionTrait,
    ) -> Result<Vec<EnvVar>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut by_var = self.env_values(&rows, conn).await?;
        let slugs = self.addon_slugs(rows.iter().filter_map(|row| row.instance_id.clone()), conn).await?;
        let open = |row: env_var::Model| {
            let mut values = by_var.remove(&row.id).unwrap_or_default();
            values.sort_by_key(|value| value.context == "all");
            EnvVar {
                id: row.id,
                name: row.name,
                scopes: row.scopes.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
                is_secret: row.is_secret,
                values,
                owner: row.instance_id.map(|instance| {
                    let addon = slugs.get(&instance).cloned().unwrap_or_default();
                    EnvOwner { instance, addon }
                }),
                updated_by: row.updated_by,
                updated_at: row.updated_at,
            }
        };
        Ok(rows.into_iter().map(open).collect())
    }

    async fn env_values(
        &self,
        vars: &[env_var::Model],
        conn: &impl ConnectionTrait,
    ) -> Result<BTreeMap<EnvVarId, Vec<EnvValue>>, StoreError> {
        let mut by_var: BTreeMap<EnvVarId, Vec<EnvValue>> = BTreeMap::new();
        for vars in vars.chunks(MAX_PARAMETERS) {
            let of_vars = env_value::Column::VarId.is_in(vars.iter().map(|var| var.id.clone()));
            let rows = env_value::Entity::find().filter(of_vars).order_by_asc(env_value::Column::Id).all(conn).await?;
            for row in rows {
                let value = self.open("env_value", &row.id, &row.sealed)?;
                by_var.entry(row.var_id).or_default().push(EnvValue {
                    id: Some(row.id),
                    context: row.context,
                    context_parameter: row.context_parameter,
                    value,
                });
            }
        }
        Ok(by_var)
    }

    /// Makes a variable; the name must be free on its level.
    pub async fn insert_env_var(&self, level: &EnvLevel, tx: &Tx, new: NewEnvVar) -> Result<(), StoreError> {
        let id = EnvVarId::generate(self.clock(), self.entropy());
        let row = env_var::ActiveModel {
            id: Set(id.clone()),
            account_id: Set(level.account.clone()),
            site_id: Set(level.site.clone()),
            instance_id: Set(new.owner),
            name: Set(new.name),
            scopes: Set(new.scopes.join(" ")),
            is_secret: Set(new.is_secret),
            updated_by: Set(new.updated_by),
            updated_at: Set(self.now()),
        };
        env_var::Entity::insert(row).exec_without_returning(&**tx).await.map_err(taken("the variable's name"))?;
        self.insert_env_values(&id, tx, &new.values).await
    }

    /// Replaces scopes, secrecy and all values of a variable.
    pub async fn replace_env_var(
        &self,
        level: &EnvLevel,
        tx: &Tx,
        id: &EnvVarId,
        new: NewEnvVar,
    ) -> Result<(), StoreError> {
        self.delete_env_var(level, tx, id).await?;
        self.insert_env_var(level, tx, new).await
    }

    /// Makes these the values of a variable. A value that has an id stays as it is, so that ids which a client has read
    /// a moment ago still hold.
    pub async fn set_env_values(
        &self,
        level: &EnvLevel,
        tx: &Tx,
        id: &EnvVarId,
        values: &[EnvValue],
        updated_by: &UserId,
    ) -> Result<(), StoreError> {
        let kept = values.iter().filter_map(|value| value.id.clone());
        env_value::Entity::delete_many()
            .filter(env_value::Column::VarId.eq(id.clone()))
            .filter(env_value::Column::Id.is_not_in(kept))
            .exec(&**tx)
            .await?;
        let new: Vec<EnvValue> = values.iter().filter(|value| value.id.is_none()).cloned().collect();
        self.insert_env_values(id, tx, &new).await?;
        env_var::Entity::update_many()
            .col_expr(env_var::Column::UpdatedAt, Expr::value(self.now()))
            .col_expr(env_var::Column::UpdatedBy, Expr::value(updated_by.clone()))
            .filter(env_var::Column::Id.eq(id.clone()))
            .filter(env_var::Column::AccountId.eq(level.account.clone()))
            .exec(&**tx)
            .await?;
        Ok(())
    }

    async fn insert_env_values(&self, var: &EnvVarId, tx: &Tx, values: &[EnvValue]) -> Result<(), StoreError> {
        for value in values {
            let id = EnvValueId::generate(self.clock(), self.entropy());
            let row = env_value::ActiveModel {
                sealed: Set(self.seal("env_value", &id, &value.value)),
                id: Set(id),
                var_id: Set(var.clone()),
                context: Set(value.context.clone()),
                context_parameter: Set(value.context_parameter.clone()),
            };
            let inserted = env_value::Entity::insert(row).exec_without_returning(&**tx).await;
            inserted.map_err(taken("a value for that context"))?;
        }
        Ok(())
    }

    /// Deletes a variable of the level.
    pub async fn delete_env_var(&self, level: &EnvLevel, tx: &Tx, id: &EnvVarId) -> Result<(), StoreError> {
        env_var::Entity::delete_by_id(id.clone())
            .filter(env_var::Column::AccountId.eq(level.account.clone()))
            .exec(&**tx)
            .await?;
        Ok(())
    }

    /// Deletes what an instance yielded.
    pub async fn delete_env_of_instance(&self, site: &SiteId, tx: &Tx, owner: &InstanceId) -> Result<(), StoreError> {
        env_var::Entity::delete_many()
            .filter(env_var::Column::SiteId.eq(site.clone()))
            .filter(env_var::Column::InstanceId.eq(owner.clone()))
            .exec(&**tx)
            .await?;
        Ok(())
    }
}
