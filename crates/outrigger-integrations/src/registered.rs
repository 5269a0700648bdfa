//! An integration with its types erased, as the registry holds it.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::form::{Choice, FieldFaults, FormSchema, Values};
use crate::rule::RuleSet;
use crate::run::Again;
use crate::settings;
use crate::start::{Hooks, Outbox, Start};
use crate::{
    About, CheckReport, Config, ConfigOf, Context, DeliveryId, Fault, Host, InboundReply, InboundRequest, Integration,
    RateLimit, Received, Rerun, Run, SendError, Sent, Settings, StoredConfig, Verifier,
};

/// A `ConfigOf<H, I>`; which `I` is known to whoever holds it.
pub(crate) type AnyConfig = Arc<dyn Any + Send + Sync>;

/// A configuration that its integration has read.
pub(crate) struct ReadConfig {
    pub(crate) config: AnyConfig,
    pub(crate) rules: Option<RuleSet>,
    /// Values that the integration does not know; kept.
    pub(crate) rest: Values,
}

/// What the framework asks of any integration.
pub(crate) trait Registered<H: Host>: Send + Sync {
    fn about(&self) -> About;
    fn form(&self) -> &'static FormSchema;
    fn settings_version(&self) -> u32;
    /// Brings stored settings to the present version and reads them.
    fn read(&self, raw: StoredConfig<H>) -> Result<ReadConfig, settings::SettingsError>;
    /// Stored values as the present version stores them.
    fn migrated(&self, version: u32, values: Values) -> Result<Values, settings::SettingsError>;
    /// The faults of a filled-in form that only the integration's own type can find.
    fn validate(&self, values: &Values) -> FieldFaults;
    fn start(&self, context: Context) -> BoxFuture<'_, Result<Hooks, Fault>>;
    fn stop(&self) -> BoxFuture<'_, Result<(), Fault>>;
    /// `config` is one that this integration has read.
    fn check<'a>(&'a self, config: &'a AnyConfig, context: &'a Context) -> BoxFuture<'a, CheckReport>;
    fn options<'a>(
        &'a self,
        field: &'a str,
        values: &'a Values,
        context: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Choice>, Fault>>;
    /// `config` is one that this integration has read.
    fn send<'a>(
        &'a self,
        config: &'a AnyConfig,
        message: &'a str,
        delivery: &'a DeliveryId,
        context: &'a Context,
    ) -> BoxFuture<'a, Result<Sent, SendError>>;
    /// The sample message as JSON.
    fn sample(&self) -> Option<String>;
    /// What must not be seen of a configuration that this integration has read.
    fn secrets(&self, config: &AnyConfig) -> Vec<String>;
    fn rate_limit(&self) -> Option<RateLimit>;
    /// `config` is one that this integration has read.
    fn inbound(&self, config: &AnyConfig) -> Option<Verifier>;
    /// `config` is one that this integration has read.
    fn receive(
        &self,
        config: AnyConfig,
        request: InboundRequest,
        run: Option<Run>,
        context: Context,
        outbox: Outbox,
    ) -> BoxFuture<'_, Result<InboundReply, Fault>>;
    /// `config` is one that this integration has read.
    fn rerun(&self, config: AnyConfig, again: Again, context: Context) -> BoxFuture<'_, Result<(), Fault>>;
}

/// The one implementation: an integration whose types are known.
pub(crate) struct Typed<H, I> {
    integration: Arc<I>,
    host: PhantomData<fn() -> H>,
}

impl<H: Host, I: Integration<H>> Typed<H, I> {
    pub(crate) fn new(integration: I) -> Self {
        Self { integration: Arc::new(integration), host: PhantomData }
    }
}

fn config_of<H: Host, I: Integration<H>>(config: &AnyConfig) -> &ConfigOf<H, I> {
    config.downcast_ref().expect("the registry pairs configurations with their integration")
}

fn shared_config_of<H: Host, I: Integration<H>>(config: AnyConfig) -> Arc<ConfigOf<H, I>> {
    config.downcast().expect("the registry pairs configurations with their integration")
}

/// All texts in a value.
fn texts(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Number(number) => found.push(number.to_string()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        serde_json::Value::Object(entries) => entries.values().for_each(|item| texts(item, found)),
        serde_json::Value::Null | serde_json::Value::Bool(_) => {}
    }
}

impl<H: Host, I: Integration<H>> Registered<H> for Typed<H, I> {
    fn about(&self) -> About {
        self.integration.about()
    }

    fn form(&self) -> &'static FormSchema {
        I::Settings::form()
    }

    fn settings_version(&self) -> u32 {
        I::Settings::VERSION
    }

    fn read(&self, raw: StoredConfig<H>) -> Result<ReadConfig, settings::SettingsError> {
        let read = settings::read::<I::Settings>(raw.settings_version, raw.values)?;
        let rules = read.settings.rules().cloned();
        let config: ConfigOf<H, I> = Config {
            id: raw.id,
            scope: raw.scope,
            // Not the stored text, which would be one more in memory for each of them.
            integration: I::ID,
            name: raw.name,
            enabled: raw.enabled,
            settings: read.settings,
            extra: raw.extra,
            version: raw.version,
            created_at: raw.created_at,
            updated_at: raw.updated_at,
        };
        Ok(ReadConfig { config: Arc::new(config), rules, rest: read.rest })
    }

    fn migrated(&self, version: u32, values: Values) -> Result<Values, settings::SettingsError> {
        settings::migrated::<I::Settings>(version, values)
    }

    fn validate(&self, values: &Values) -> FieldFaults {
        match I::Settings::from_values(values) {
            Ok(settings) => {
                let mut faults = FieldFaults::default();
                settings.validate(&mut faults);
                faults
            }
            Err(faults) => faults,
        }
    }

    fn start(&self, context: Context) -> BoxFuture<'_, Result<Hooks, Fault>> {
        Box::pin(async move {
            let mut start = Start::new(self.integration.clone(), context);
            self.integration.start(&mut start).await?;
            Ok(start.into_hooks())
        })
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.integration.stop())
    }

    fn check<'a>(&'a self, config: &'a AnyConfig, context: &'a Context) -> BoxFuture<'a, CheckReport> {
        Box::pin(self.integration.check(config_of::<H, I>(config), context))
    }

    fn options<'a>(
        &'a self,
        field: &'a str,
        values: &'a Values,
        context: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Choice>, Fault>> {
        Box::pin(self.integration.options(field, values, context))
    }

    fn send<'a>(
        &'a self,
        config: &'a AnyConfig,
        message: &'a str,
        delivery: &'a DeliveryId,
        context: &'a Context,
    ) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(async move {
            let message = serde_json::from_str(message)
                .map_err(|error| SendError::refused(format!("this version cannot read the message: {error}")))?;
            self.integration.send(config_of::<H, I>(config), &message, delivery, context).await
        })
    }

    fn sample(&self) -> Option<String> {
        self.integration.sample().and_then(|message| serde_json::to_string(&message).ok())
    }

    fn secrets(&self, config: &AnyConfig) -> Vec<String> {
        let values = config_of::<H, I>(config).settings.to_values();
        let mut secrets = Vec::new();
        for field in I::Settings::form().secret_fields() {
            texts(field.value_in(&values), &mut secrets);
        }
        secrets
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.integration.rate_limit()
    }

    fn inbound(&self, config: &AnyConfig) -> Option<Verifier> {
        self.integration.inbound(config_of::<H, I>(config))
    }

    fn receive(
        &self,
        config: AnyConfig,
        request: InboundRequest,
        run: Option<Run>,
        context: Context,
        outbox: Outbox,
    ) -> BoxFuture<'_, Result<InboundReply, Fault>> {
        let received = Received { config: shared_config_of::<H, I>(config), run, context, outbox };
        Box::pin(async move { self.integration.receive(request, &received).await })
    }

    fn rerun(&self, config: AnyConfig, again: Again, context: Context) -> BoxFuture<'_, Result<(), Fault>> {
        let rerun = Rerun { config: shared_config_of::<H, I>(config), again, context };
        Box::pin(async move { self.integration.rerun(&rerun).await })
    }
}
