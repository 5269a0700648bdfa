//! What stands behind a surface: Rust, or a script.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{Event, SurfaceDefinition, SurfaceState, VisitContext};
use crate::handler::HandlerCaller;

/// What stands behind the surface of an integration. There is one value of it, for all visits.
pub trait SurfaceProgram: Send + Sync + 'static {
    /// The pages, as each visit finds them.
    fn definition(&self) -> &SurfaceDefinition;

    /// Begins a visit.
    ///
    /// # Errors
    /// When there is no room for one more, or the program does not start.
    fn open<'a>(
        &'a self,
        context: &'a VisitContext,
        handlers: &'a HandlerCaller,
    ) -> BoxFuture<'a, Result<Box<dyn VisitProgram>, SurfaceError>>;
}

/// What stands behind a surface for one visit. It is dropped when the visit is over.
pub trait VisitProgram: Send {
    /// Whether anything listens to this event on the page where the visit is. People are not offered what nobody
    /// listens to.
    fn listens_to(&self, state: &SurfaceState, event: &Event) -> bool;

    /// Tells what somebody did; `value` is what they chose, of a [`Event::Change`]. It is over when all that listens to
    /// the event is.
    ///
    /// # Errors
    /// [`SurfaceError::Told`] is shown to people, the others are logged.
    fn emit<'a>(
        &'a mut self,
        event: &'a Event,
        value: Option<&'a Value>,
        state: &'a mut SurfaceState,
    ) -> BoxFuture<'a, Result<(), SurfaceError>>;
}

/// Why something on a surface did not go well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SurfaceError {
    /// The integration tells people why.
    #[error("{0}")]
    Told(String),
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs_f64())]
    TooLong(Duration),
    /// It wanted more than it may have.
    #[error("over its limit of {0}")]
    Limit(String),
    /// Callbacks send people from page to page without end.
    #[error("its pages lead to each other in a circle")]
    Circle,
    /// It is broken: a panic, or an error of a script that is not for people.
    #[error("{0}")]
    Broken(String),
}

impl SurfaceError {
    /// Something to be told to people.
    pub fn told(text: impl Into<String>) -> Self {
        Self::Told(text.into())
    }

    /// What people are told.
    pub fn public(&self) -> String {
        match self {
            Self::Told(text) => text.clone(),
            Self::TooLong(_) => "This took too long. Try again.".to_owned(),
            Self::Limit(_) | Self::Circle | Self::Broken(_) => {
                "Something is wrong with this integration. Try again, or tell whoever runs this platform.".to_owned()
            }
        }
    }
}
