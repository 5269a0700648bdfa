//! The accounts of a person, and an account's sites and variables.

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::layout::{Layout, Section};
use super::sites::{Variable, variables};
use super::{PageResult, page};
use crate::app::SharedApp;
use crate::auth::{AccountVisitor, SignedIn};
use crate::store::accounts::{Account, Role};
use crate::store::env_vars::EnvLevel;
use crate::store::ids::SiteId;
use crate::store::sites::Site;
use crate::urls::Page;

const SITES_PER_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "accounts.html")]
pub(super) struct AccountsPage {
    pub(super) layout: Layout,
    pub(super) accounts: Vec<(Account, Role)>,
    /// Remind the person of the one-time link that does not work again.
    pub(super) no_password: bool,
    /// May see to what concerns the whole platform.
    pub(super) operator: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    pub(super) layout: Layout,
    pub(super) account: Account,
    pub(super) sites: Vec<(Site, String)>,
    /// The last site shown, when there are more.
    pub(super) more_after: Option<SiteId>,
    pub(super) first_page: bool,
}

#[derive(Template)]
#[template(path = "account_env.html")]
pub(super) struct AccountEnvPage {
    pub(super) layout: Layout,
    pub(super) account: Account,
    pub(super) variables: Vec<Variable>,
}

/// Which part of the list of sites.
#[derive(Debug, Deserialize)]
pub struct Part {
    after: Option<String>,
}

/// What people call a role.
fn role_name(role: &Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Developer => "Developer",
        Role::Viewer => "Viewer",
    }
}

/// The accounts of the person.
pub async fn list_accounts(State(app): State<SharedApp>, person: SignedIn) -> PageResult {
    let accounts = app.store.accounts_of_user(&person.user.id).await?;
    let no_password = person.user.password_hash.is_none();
    let operator = person.user.operator;
    Ok(page(&AccountsPage { layout: Layout::for_person("Accounts", &person), accounts, no_password, operator })?)
}

/// The sites of an account, newest first.
pub async fn show_account(
    State(app): State<SharedApp>,
    visitor: AccountVisitor,
    Query(part): Query<Part>,
) -> PageResult {
    let after: Option<SiteId> = part.after.and_then(|after| after.parse().ok());
    let limit = SITES_PER_PAGE as u64 + 1;
    let mut sites = app.store.sites_of_account(&visitor.account.id, after.as_ref(), limit).await?;
    let more = sites.len() > SITES_PER_PAGE;
    sites.truncate(SITES_PER_PAGE);
    Ok(page(&AccountPage {
        layout: Layout::in_account("Sites", Section::Sites, &visitor),
        account: visitor.account,
        more_after: sites.last().filter(|_| more).map(|site| site.id.clone()),
        sites: sites.into_iter().map(|site| (site.clone(), app.urls.site(&site))).collect(),
        first_page: after.is_none(),
    })?)
}

/// The variables that all sites of an account share, without their values.
pub async fn show_account_env(State(app): State<SharedApp>, visitor: AccountVisitor) -> PageResult {
    let level = EnvLevel { account: visitor.account.id.clone(), site: None };
    let variables = variables(app.store.env_vars(&level).await?);
    Ok(page(&AccountEnvPage {
        layout: Layout::in_account("Variables", Section::Env, &visitor),
        account: visitor.account,
        variables,
    })?)
}
