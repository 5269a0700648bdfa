//! Asking an integration something, without becoming its hostage.

use std::panic::{AssertUnwindSafe, catch_unwind};
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

/// Runs an integration's code here and now; its panic is a fault.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Fault::new("The integration panicked."))
}

fn fault_of_form(fault: Fault) -> FieldFaults {
    let mut faults = FieldFaults::default();
    faults.add_to_form(fault.to_string());
    faults
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
        scope: &Scope,
        integration: &IntegrationId,
        field: &str,
        values: &Values,
    ) -> Result<Vec<Choice>, Fault> {
        let slot = self.shared.slot(integration).filter(|slot| slot.about.offers(scope.kind()));
        let handle = slot.ok_or_else(|| Fault::new("The integration cannot be used here."))?.handle.clone();
        let (context, field, values) = (self.shared.context.clone(), field.to_owned(), values.clone());
        let asked = isolated("asking for options", self.shared.limits.options, async move {
            handle.options(&field, &values, &context).await
        });
        asked.await?
    }

    /// All that is wrong with a draft that can be known without asking anybody outside.
    pub(super) fn faults(&self, scope: &Scope, draft: &Draft<H>) -> FieldFaults {
        let mut faults = FieldFaults::default();
        let Some(slot) = self.shared.slot(&draft.integration) else {
            faults.add_to_form("The integration is not installed.");
            return faults;
        };
        let handle = &slot.handle;
        if !slot.about.offers(scope.kind()) {
            faults.add_to_form("The integration cannot be used here.");
        }
        if draft.name.trim().is_empty() {
            faults.add("name", "Enter a name.");
        }
        let of_fields = form::check_values(handle.form(), &draft.values, &KnownOptions::default());
        // The type says again what the form has said already.
        let of_type = match of_fields.is_empty() {
            true => guarded(|| handle.validate(&draft.values)).unwrap_or_else(fault_of_form),
            false => FieldFaults::default(),
        };
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
        let read = guarded(|| handle.read(stored)).map_err(fault_of_form)?;
        let config = read.map_err(|error| fault_of_form(Fault::new(error.to_string())))?;
        Ok((handle, config.config))
    }
}
