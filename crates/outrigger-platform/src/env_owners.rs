//! Who sets a variable on a site, and who would like to.

use serde::{Deserialize, Serialize};

use crate::store::addons::Addon;
use crate::store::env_vars::EnvVar;
use crate::store::ids::InstanceId;

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
pub(crate) fn conflicts_among(addon: &Addon, instance: Option<&InstanceId>, there: Vec<EnvVar>) -> Vec<EnvConflict> {
    let others = there.into_iter().filter(|var| var.owner_id().is_none() || var.owner_id() != instance);
    let conflict = |var: EnvVar| EnvConflict {
        owner: owner_name(var.owner.as_ref().map(|owner| owner.addon.as_str())),
        name: var.name,
        wanted_by: owner_name(Some(&addon.slug)),
    };
    others.map(conflict).collect()
}

/// What people call the owner of a variable or a snippet, given the slug of the add-on whose it is.
pub(crate) fn owner_name(addon: Option<&str>) -> String {
    addon.map_or_else(|| "the site".to_owned(), |slug| format!("add-on `{slug}`"))
}
