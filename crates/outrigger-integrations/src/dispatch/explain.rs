//! Who heard of an event, and why a configuration did or did not.

use jiff::Timestamp;
use serde::Serialize;

use super::{ConfigId, Event, EventId, Explanation, Host, IntegrationId, Manager, Scope, StoreError, events};
use crate::store::events::HearingState;

/// Why a configuration hears, or does not hear, of an event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Wanted {
    /// There is no such configuration in the scope.
    NotFound,
    /// The event did not happen in the configuration's scope.
    Elsewhere,
    /// The configuration is disabled.
    Disabled,
    /// Its integration is not installed, or cannot read its settings.
    Unreadable,
    /// Its integration runs, and listens to no such event.
    Deaf,
    /// What its rules say.
    Rules(Explanation),
}

impl Wanted {
    /// Whether it hears of it.
    pub fn is_wanted(&self) -> bool {
        matches!(self, Wanted::Rules(explanation) if explanation.matches)
    }
}

/// How far an event has come.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EventReport {
    /// The event.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// When it happened.
    pub at: Timestamp,
    /// The integrations that were to hear of it.
    pub hearings: Vec<Hearing>,
}

/// How far an event has come with one integration.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Hearing {
    /// The integration.
    pub integration: IntegrationId,
    /// Whether it has heard it.
    pub state: HearingState,
    /// How often its handlers were called.
    pub attempts: u32,
    /// How many deliveries they made.
    pub deliveries: u32,
    /// What went wrong, or why nothing was done.
    pub reason: Option<String>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl<H: Host> Manager<H> {
    /// Why a configuration of the scope hears, or would hear, of this event, or does not.
    pub fn explain_event<E: Event<H>>(&self, scope: &Scope, config: ConfigId, event: &E) -> Wanted {
        let Some((integration, found, enabled)) = self.place_and_state(config).filter(|(_, found, _)| found == scope)
        else {
            return Wanted::NotFound;
        };
        if !event.scopes().contains(&found) {
            return Wanted::Elsewhere;
        }
        if !enabled {
            return Wanted::Disabled;
        }
        if self.handlers_of(&integration, E::NAME).is_some_and(|handlers| handlers.is_empty()) {
            return Wanted::Deaf;
        }
        self.explain(scope, config, &event.facts()).map_or(Wanted::Unreadable, Wanted::Rules)
    }

    /// How far an event of this scope has come. `None` if there is no such event there (any more).
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn event_report(&self, scope: &Scope, id: EventId) -> Result<Option<EventReport>, StoreError> {
        let conn = self.post().db().conn();
        let Some(event) = events::find_anywhere(conn, id).await?.filter(|event| event.scopes.contains(scope)) else {
            return Ok(None);
        };
        let hearings = events::hearings(conn, id).await?.into_iter().map(|hearing| Hearing {
            integration: hearing.integration,
            state: hearing.state,
            attempts: hearing.attempts,
            deliveries: hearing.deliveries,
            reason: hearing.reason,
            updated_at: hearing.updated_at,
        });
        Ok(Some(EventReport { id, name: event.name, at: event.created_at, hearings: hearings.collect() }))
    }
}
