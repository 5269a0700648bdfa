//! Asking an integration something, without becoming its hostage.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use super::{Draft, Manager};
use crate::form::{self, Choice, KnownOptions, Values};
use crate::{CheckReport, ConfigId, Fault, FieldFaults, Host, IntegrationId, Scope, StoredConfig};

/// Runs an integration's code as a task of its own: its panic and its taking too long are faults, no more.
pub(crate) async fn isolated<T: Send + 'static>(
    what: &str,
    limit: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Fault> {
    // Dropped with this future, which ends the task.
    let mut task = JoinSet::new();
    task.spawn(work);
    match tokio::time::timeout(limit, task.join_next()).await {
        Ok(Some(Ok(done))) => Ok(done),
        Ok(Some(Err(error))) => Err(Fault::new(format!("{what} panicked: {}", panic_text(error)))),
        Ok(None) => Err(Fault::new(format!("{what} was lost"))),
        Err(_) => Err(Fault::new(format!("{what} took longer than {limit:?}"))),
    }
}

fn panic_text(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "it was cut short".into() };
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "no message".into())
}

impl<H: Host> Manager<H> {
    /// Asks the integration whether a draft would work: what "Test" shows, and what "Save" may ask first. An
    /// integration that panics or takes too long could not tell, and says so in the report.
    ///
    /// # Errors
    /// The faults of the draft, for which nobody was asked.
    pub async fn check(&self, scope: &Scope, draft: &Draft<H>) -> Result<CheckReport, FieldFaults> {
        let (slot, config) = self.read_draft(scope, draft)?;
        let context = self.shared.context.clone();
        let checked =
            isolated("the check", self.shared.limits.check, async move { slot.check(&config, &context).await });
        Ok(checked.await.unwrap_or_else(|fault| CheckReport::new().unavailable(fault.to_string())))
    }

    /// The choices of a field that only the integration knows. `values` is the form as far as it is filled in.
    ///
    /// # Errors
    /// Why there are none to be had.
    pub async fn options(
        &self,
        _scope: &Scope,
        integration: &IntegrationId,
        field: &str,
        values: &Values,
    ) -> Result<Vec<Choice>, Fault> {
        let handle = self.shared.handle(integration).ok_or_else(|| Fault::new("the integration is not installed"))?;
        let (context, field, values) = (self.shared.context.clone(), field.to_owned(), values.clone());
        let asked = isolated("asking for options", self.shared.limits.options, async move {
            handle.options(&field, &values, &context).await
        });
        asked.await?
    }

    /// All that is wrong with a draft that can be known without asking anybody outside.
    pub(super) fn faults(&self, scope: &Scope, draft: &Draft<H>) -> FieldFaults {
        let mut faults = FieldFaults::default();
        let Some(handle) = self.shared.handle(&draft.integration) else {
            faults.add_to_form("The integration is not installed.");
            return faults;
        };
        if !handle.about().offers(scope.kind()) {
            faults.add_to_form("The integration cannot be used here.");
        }
        if draft.name.trim().is_empty() {
            faults.add("name", "Enter a name.");
        }
        let of_fields = form::check_values(handle.form(), &draft.values, &KnownOptions::default());
        // The type says again what the form has said already.
        let of_type = if of_fields.is_empty() { handle.validate(&draft.values) } else { FieldFaults::default() };
        faults.append(of_fields);
        faults.append(of_type);
        faults
    }

    fn read_draft(
        &self,
        scope: &Scope,
        draft: &Draft<H>,
    ) -> Result<(crate::snapshot::Handle<H>, crate::registered::AnyConfig), FieldFaults> {
        let faults = self.faults(scope, draft);
        let handle = self.shared.handle(&draft.integration).filter(|_| faults.is_empty()).ok_or(faults)?;
        let now = self.shared.store.now();
        let stored = StoredConfig {
            id: draft.id.unwrap_or(ConfigId::from_uuid(uuid::Uuid::nil())),
            scope: scope.clone(),
            integration: draft.integration.clone(),
            name: draft.name.trim().to_owned(),
            enabled: draft.enabled,
            values: draft.values.clone(),
            sealed: Default::default(),
            settings_version: handle.settings_version(),
            extra: draft.extra.clone(),
            version: 0,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        let config = handle.read(stored).map_err(|error| {
            let mut faults = FieldFaults::default();
            faults.add_to_form(error.to_string());
            faults
        })?;
        Ok((handle, config.config))
    }
}
