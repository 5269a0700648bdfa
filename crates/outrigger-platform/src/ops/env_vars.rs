//! Variables that people edit by hand. Those of an add-on change with it and are refused here, with their owner named.

use std::str::FromStr;

use outrigger_addon::env_name::EnvName;
use outrigger_db::Tx;

use crate::app::App;
use crate::env_owners::owner_name;
use crate::error::{ApiResult, conflict, invalid_field, not_found, unprocessable};
use crate::store::env_vars::{EnvLevel, EnvValue, EnvVar, NewEnvVar};
use crate::store::ids::{EnvValueId, UserId};

/// Deploy contexts that a value for `all` stands for.
const CONTEXTS: [&str; 4] = ["production", "deploy-preview", "branch-deploy", "dev"];
const SCOPES: [&str; 4] = ["builds", "functions", "runtime", "post-processing"];
/// As long as a file name, which a branch is to git; it is part of an index.
const MAX_BRANCH_BYTES: usize = 255;
/// Of one request. A `.env` file has a few dozen.
const MAX_VARS: usize = 1000;
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// What a person says about a variable.
#[derive(Clone, Debug)]
pub struct EnvInput {
    pub name: String,
    /// Empty means everywhere.
    pub scopes: Vec<String>,
    pub is_secret: bool,
    pub values: Vec<EnvValue>,
}

fn check(input: EnvInput, user: &UserId) -> ApiResult<NewEnvVar> {
    EnvName::from_str(&input.name).map_err(|fault| invalid_field("key", fault.to_string()))?;
    let mut scopes: Vec<String> = input.scopes.iter().map(|scope| scope.replace('_', "-")).collect();
    if scopes.is_empty() {
        scopes = SCOPES.map(str::to_owned).to_vec();
    }
    if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(invalid_field("scopes", format!("`{unknown}` is none of {}", SCOPES.join(", "))));
    }
    for value in &input.values {
        check_value(value)?;
    }
    Ok(NewEnvVar {
        name: input.name,
        scopes,
        is_secret: input.is_secret,
        values: input.values,
        owner: None,
        updated_by: Some(user.clone()),
    })
}

fn check_value(value: &EnvValue) -> ApiResult<()> {
    let context = value.context.as_str();
    if context != "all" && context != "branch" && !CONTEXTS.contains(&context) {
        let known = CONTEXTS.join(", ");
        return Err(invalid_field("context", format!("`{context}` is none of all, {known}, branch")));
    }
    if (context == "branch") == value.context_parameter.is_empty() {
        return Err(invalid_field("context_parameter", "names the branch of the context `branch`, and of no other"));
    }
    if value.context_parameter.len() > MAX_BRANCH_BYTES {
        return Err(invalid_field("context_parameter", format!("must have at most {MAX_BRANCH_BYTES} bytes")));
    }
    if value.value.len() > MAX_VALUE_BYTES {
        return Err(invalid_field("value", format!("must have at most {MAX_VALUE_BYTES} bytes")));
    }
    Ok(())
}

fn refuse_if_owned(var: &EnvVar) -> ApiResult<()> {
    let Some(owner) = &var.owner else { return Ok(()) };
    let owner = owner_name(Some(&owner.addon));
    Err(conflict(format!(
        "`{}` is set by {owner} and changes with it; configure or remove the add-on instead",
        var.name
    )))
}

/// Makes variables, all or none. Asked for once more just as they are, they are simply there: a client that lost our
/// answer sends its request again (contract netlify-api, section 6).
pub async fn create_env_vars(
    app: &App,
    level: &EnvLevel,
    user: &UserId,
    inputs: Vec<EnvInput>,
) -> ApiResult<Vec<EnvVar>> {
    if inputs.len() > MAX_VARS {
        return Err(unprocessable(format!("at most {MAX_VARS} variables at once")));
    }
    let new: Vec<NewEnvVar> = inputs.into_iter().map(|input| check(input, user)).collect::<ApiResult<_>>()?;
    let names: Vec<String> = new.iter().map(|new| new.name.clone()).collect();
    let tx = app.store.begin().await?;
    let there = app.store.env_vars_named(level, &tx, names.clone()).await?;
    if there.len() != new.len() || !new.iter().all(|new| there.iter().any(|var| is_already(var, new))) {
        if let Some(other) = there.first() {
            refuse_if_owned(other)?;
            return Err(conflict(format!("`{}` is there already; change it instead", other.name)));
        }
        for new in new {
            app.store.insert_env_var(level, &tx, new).await?;
        }
    }
    app.store.commit(tx).await?;
    let mut made = app.store.env_vars(level).await?;
    made.retain(|var| names.contains(&var.name));
    Ok(made)
}

/// Whether a variable is what is asked for.
fn is_already(var: &EnvVar, new: &NewEnvVar) -> bool {
    let said = |values: &[EnvValue]| {
        let mut said: Vec<_> =
            values.iter().map(|v| (v.context.clone(), v.context_parameter.clone(), v.value.clone())).collect();
        said.sort_unstable();
        said
    };
    var.owner.is_none()
        && (&var.name, &var.scopes, var.is_secret) == (&new.name, &new.scopes, new.is_secret)
        && said(&var.values) == said(&new.values)
}

/// Replaces a variable, or makes it when it is not there.
pub async fn put_env_var(app: &App, level: &EnvLevel, user: &UserId, input: EnvInput) -> ApiResult<EnvVar> {
    let name = input.name.clone();
    let new = check(input, user)?;
    let tx = app.store.begin().await?;
    put_in(app, level, &tx, new).await?;
    app.store.commit(tx).await?;
    reread(app, level, &name).await
}

/// Replaces variables, or makes those that are not there: all or none.
pub async fn put_env_vars(app: &App, level: &EnvLevel, user: &UserId, inputs: Vec<EnvInput>) -> ApiResult<()> {
    if inputs.len() > MAX_VARS {
        return Err(unprocessable(format!("at most {MAX_VARS} variables at once")));
    }
    let new: Vec<NewEnvVar> = inputs.into_iter().map(|input| check(input, user)).collect::<ApiResult<_>>()?;
    let tx = app.store.begin().await?;
    for new in new {
        put_in(app, level, &tx, new).await?;
    }
    app.store.commit(tx).await?;
    Ok(())
}

async fn put_in(app: &App, level: &EnvLevel, tx: &Tx, new: NewEnvVar) -> ApiResult<()> {
    match app.store.env_vars_named(level, tx, [new.name.clone()]).await?.pop() {
        Some(there) => {
            refuse_if_owned(&there)?;
            Ok(app.store.replace_env_var(level, tx, &there.id, new).await?)
        }
        None => Ok(app.store.insert_env_var(level, tx, new).await?),
    }
}

/// Sets the value of one context.
pub async fn set_env_value(
    app: &App,
    level: &EnvLevel,
    user: &UserId,
    name: &str,
    value: EnvValue,
) -> ApiResult<EnvVar> {
    check_value(&value)?;
    change_values(app, level, user, name, |values| {
        if value.context == "all" {
            values.clear();
        } else if value.context != "branch" {
            split_all(values);
        }
        values.retain(|other| other.context != value.context || other.context_parameter != value.context_parameter);
        values.push(value);
        Ok(())
    })
    .await
}

/// Deletes the value of one context. The variable stays, even without values: a client may be about to set others.
pub async fn delete_env_value(
    app: &App,
    level: &EnvLevel,
    user: &UserId,
    name: &str,
    id: &EnvValueId,
) -> ApiResult<()> {
    change_values(app, level, user, name, |values| {
        let before = values.len();
        values.retain(|value| value.id.as_ref() != Some(id));
        if values.len() == before { Err(not_found(format!("value `{id}` of `{name}`"))) } else { Ok(()) }
    })
    .await?;
    Ok(())
}

/// Deletes a variable.
pub async fn delete_env_var(app: &App, level: &EnvLevel, name: &str) -> ApiResult<()> {
    let tx = app.store.begin().await?;
    let there = app.store.env_vars_named(level, &tx, [name.to_owned()]).await?.pop();
    let there = there.ok_or_else(|| not_found(format!("variable `{name}`")))?;
    refuse_if_owned(&there)?;
    app.store.delete_env_var(level, &tx, &there.id).await?;
    app.store.commit(tx).await?;
    Ok(())
}

/// Deletes those of the variables that are there, all or none.
pub async fn delete_env_vars(app: &App, level: &EnvLevel, names: Vec<String>) -> ApiResult<()> {
    let tx = app.store.begin().await?;
    for there in app.store.env_vars_named(level, &tx, names).await? {
        refuse_if_owned(&there)?;
        app.store.delete_env_var(level, &tx, &there.id).await?;
    }
    app.store.commit(tx).await?;
    Ok(())
}

async fn change_values(
    app: &App,
    level: &EnvLevel,
    user: &UserId,
    name: &str,
    change: impl FnOnce(&mut Vec<EnvValue>) -> ApiResult<()>,
) -> ApiResult<EnvVar> {
    let tx = app.store.begin().await?;
    let there = app.store.env_vars_named(level, &tx, [name.to_owned()]).await?.pop();
    let there = there.ok_or_else(|| not_found(format!("variable `{name}`")))?;
    refuse_if_owned(&there)?;
    let mut values = there.values.clone();
    change(&mut values)?;
    app.store.set_env_values(level, &tx, &there.id, &values, user).await?;
    app.store.commit(tx).await?;
    reread(app, level, name).await
}

async fn reread(app: &App, level: &EnvLevel, name: &str) -> ApiResult<EnvVar> {
    app.store.find_env_var(level, name).await?.ok_or_else(|| not_found(format!("variable `{name}`")))
}

/// A value for `all` becomes one for each context, so that one of them can differ and be removed again
/// (contract netlify-api, section 9, trap 9).
fn split_all(values: &mut Vec<EnvValue>) {
    let Some(position) = values.iter().position(|value| value.context == "all") else { return };
    let all = values.remove(position);
    for context in CONTEXTS {
        if !values.iter().any(|value| value.context == context) {
            values.push(EnvValue { id: None, context: context.to_owned(), ..all.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(context: &str, value: &str) -> EnvValue {
        let context_parameter = if context == "branch" { "main".to_owned() } else { String::new() };
        EnvValue { id: None, context: context.to_owned(), context_parameter, value: value.to_owned() }
    }

    #[test]
    fn all_is_split_without_touching_contexts_that_differ() {
        let mut values = vec![value("dev", "d"), value("branch", "b"), value("all", "a")];
        split_all(&mut values);
        let shown: Vec<String> = values.iter().map(|v| format!("{}={}", v.context, v.value)).collect();
        assert_eq!(shown, ["dev=d", "branch=b", "production=a", "deploy-preview=a", "branch-deploy=a"]);
    }

    #[test]
    fn contexts_and_branches_are_checked() {
        assert!(check_value(&value("production", "x")).is_ok());
        assert!(check_value(&value("branch", "x")).is_ok());
        assert!(check_value(&value("prod", "x")).is_err());
        assert!(check_value(&EnvValue { context_parameter: "x".to_owned(), ..value("dev", "x") }).is_err());
    }
}
