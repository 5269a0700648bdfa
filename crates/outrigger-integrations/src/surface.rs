//! Surfaces: pages that an integration draws itself, out of elements, with callbacks behind them.
//!
//! A [`SurfaceDefinition`] says which pages there are. A [`SurfaceProgram`] stands behind it: [`NativeSurface`] in Rust,
//! or a script in a crate of its own; both have the same elements and hear of the same [`Event`]s. [`Visits`] keeps what
//! people who are there see.
//!
//! The form of definitions is that of contract integration-api, sections 6 and 7.

pub mod build;
mod condition;
mod definition;
pub mod element;
mod event;
#[cfg(feature = "sql")]
mod fields;
mod markdown;
#[cfg(feature = "sql")]
mod native;
#[cfg(feature = "sql")]
mod program;
#[cfg(feature = "sql")]
mod registry;
#[cfg(feature = "sql")]
mod state;
#[cfg(feature = "sql")]
mod visits;

pub use condition::{Circumstances, Condition, Has};
pub use definition::{SETTINGS, Surface, SurfaceDefinition};
pub use element::{Display, Element, Kind};
pub use event::Event;
#[cfg(feature = "sql")]
pub use fields::Faults;
#[cfg(feature = "axum")]
pub(crate) use markdown::is_safe as is_safe_address;
pub use markdown::markdown_to_html;
#[cfg(feature = "sql")]
pub use native::{CallbackResult, NativeSurface, Route};
#[cfg(feature = "sql")]
pub use program::{SurfaceError, SurfaceProgram, VisitProgram};
#[cfg(feature = "sql")]
pub use registry::{AddJobs, SlugTaken, SurfaceIntegration, SurfaceRegistry};
#[cfg(feature = "sql")]
pub use state::{Go, Input, Navigation, SurfaceState, VisitContext, VisitSite};
#[cfg(feature = "sql")]
pub use visits::{Act, ViewError, VisitError, VisitId, VisitLimits, VisitView, Visits};
