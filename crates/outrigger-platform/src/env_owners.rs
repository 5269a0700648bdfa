//! Who sets a variable on a site, and who would like to.

use serde::{Deserialize, Serialize};

use crate::store::addons::Addon;
use crate::store::env_vars::EnvVar;
use crate::store::ids::InstanceId;
use crate::store::{Store, StoreError};

/// A variable that two would set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnvConflict {
    pub name: String,
    /// Who sets it now: `the site` or ``add-on `slug` ``.
    pub owner: String,
    /// Who would set it.
    pub wanted_by: String,
}

impl std::fmt::Display for EnvConflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is set by {} and wanted by {}", self.name, self.owner, self.wanted_by)
    }
}

/// Says of variables that are there who owns those that are not the instance's own.
pub(crate) async fn conflicts_among(
    store: &Store,
    addon: &Addon,
    instance: Option<&InstanceId>,
    there: Vec<EnvVar>,
) -> Result<Vec<EnvConflict>, StoreError> {
    let mut conflicts = Vec::new();
    for var in there {
        if var.owner.is_some() && var.owner.as_ref() == instance {
            continue;
        }
        let owner = owner_name(store, var.owner.as_ref()).await?;
        conflicts.push(EnvConflict { name: var.name, owner, wanted_by: format!("add-on `{}`", addon.slug) });
    }
    Ok(conflicts)
}

/// What people call the owner of a variable.
pub(crate) async fn owner_name(store: &Store, owner: Option<&InstanceId>) -> Result<String, StoreError> {
    let Some(owner) = owner else { return Ok("the site".to_owned()) };
    let Some(instance) = store.find_instance_anywhere(owner).await? else { return Ok("an add-on".to_owned()) };
    let addon = store.addon(&instance.addon_id).await?;
    Ok(addon.map_or_else(|| "an add-on".to_owned(), |addon| format!("add-on `{}`", addon.slug)))
}
