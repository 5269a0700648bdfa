//! Surfaces whose callbacks are Rust.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::{BoxFuture, ready};
use serde_json::Value;

use super::definition::{SETTINGS, Surface};
use super::{
    Element, Event, Kind, SurfaceDefinition, SurfaceError, SurfaceProgram, SurfaceState, VisitContext, VisitProgram,
};
use crate::handler::HandlerCaller;

/// What a callback returns.
pub type CallbackResult = Result<(), SurfaceError>;

type Callback =
    Arc<dyn for<'a> Fn(&'a mut SurfaceState, Option<&'a Value>) -> BoxFuture<'a, CallbackResult> + Send + Sync>;

/// A page of a surface, and what happens on it.
#[derive(Default)]
pub struct Route {
    elements: Vec<Element>,
    callbacks: Vec<(Event, Callback)>,
}

/// The surface of an integration that is written in Rust.
///
/// ```
/// use outrigger_integrations::surface::build::*;
/// use outrigger_integrations::surface::{NativeSurface, Route, SurfaceProgram};
///
/// let surface = NativeSurface::new("cache", "Cache").route(
///     "/",
///     Route::new([button("hello", "Say hello").into(), text("Hello!").id("hi").hidden().into()])
///         .on_click("hello", |state| Box::pin(async move {
///             state.show("hi");
///             Ok(())
///         })),
/// );
/// assert!(surface.definition().route("/").is_some());
/// ```
pub struct NativeSurface {
    definition: Arc<SurfaceDefinition>,
    callbacks: Arc<BTreeMap<String, Vec<(Event, Callback)>>>,
}

impl Route {
    /// A page with these elements.
    pub fn new(elements: impl IntoIterator<Item = Element>) -> Self {
        Self { elements: elements.into_iter().collect(), callbacks: Vec::new() }
    }

    /// With this after what is there.
    #[must_use]
    pub fn with(mut self, element: impl Into<Element>) -> Self {
        self.elements.push(element.into());
        self
    }

    /// Calls this whenever the page is entered.
    #[must_use]
    pub fn on_load(
        self,
        callback: impl for<'a> Fn(&'a mut SurfaceState) -> BoxFuture<'a, CallbackResult> + Send + Sync + 'static,
    ) -> Self {
        self.on(Event::Load, move |state, _| callback(state))
    }

    /// Calls this when the button is pressed.
    #[must_use]
    pub fn on_click(
        self,
        button: &str,
        callback: impl for<'a> Fn(&'a mut SurfaceState) -> BoxFuture<'a, CallbackResult> + Send + Sync + 'static,
    ) -> Self {
        self.on(Event::Click(button.to_owned()), move |state, _| callback(state))
    }

    /// Calls this when the form is sent.
    #[must_use]
    pub fn on_submit(
        self,
        form: &str,
        callback: impl for<'a> Fn(&'a mut SurfaceState) -> BoxFuture<'a, CallbackResult> + Send + Sync + 'static,
    ) -> Self {
        self.on(Event::Submit(form.to_owned()), move |state, _| callback(state))
    }

    /// Calls this when the form's other button is pressed. Without one the page is entered anew.
    #[must_use]
    pub fn on_cancel(
        self,
        form: &str,
        callback: impl for<'a> Fn(&'a mut SurfaceState) -> BoxFuture<'a, CallbackResult> + Send + Sync + 'static,
    ) -> Self {
        self.on(Event::Cancel(form.to_owned()), move |state, _| callback(state))
    }

    /// Calls this when something else is chosen, with its value. The id is that in the definition: an input of a form
    /// is named after both.
    #[must_use]
    pub fn on_change(
        self,
        select: &str,
        callback: impl for<'a> Fn(&'a mut SurfaceState, &'a str) -> BoxFuture<'a, CallbackResult> + Send + Sync + 'static,
    ) -> Self {
        self.on(Event::Change(select.to_owned()), move |state, value| {
            callback(state, value.and_then(Value::as_str).unwrap_or_default())
        })
    }

    fn on(
        mut self,
        event: Event,
        callback: impl for<'a> Fn(&'a mut SurfaceState, Option<&'a Value>) -> BoxFuture<'a, CallbackResult>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.callbacks.push((event, Arc::new(callback)));
        self
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: Vec<&Event> = self.callbacks.iter().map(|(event, _)| event).collect();
        f.debug_struct("Route").field("elements", &self.elements).field("events", &events).finish()
    }
}

impl NativeSurface {
    /// A surface without pages, of the integration with this slug, which people call so.
    pub fn new(slug: impl Into<String>, friendly_name: impl Into<String>) -> Self {
        let surface = Surface { surface_name: SETTINGS.to_owned(), ..Surface::default() };
        let definition = SurfaceDefinition {
            friendly_name: friendly_name.into(),
            integration_slug: slug.into(),
            surfaces: vec![surface],
            ..SurfaceDefinition::default()
        };
        Self { definition: Arc::new(definition), callbacks: Arc::default() }
    }

    /// With a page at this path.
    #[must_use]
    pub fn route(mut self, path: &str, route: Route) -> Self {
        let mut callbacks = Arc::unwrap_or_clone(self.callbacks);
        callbacks.insert(path.to_owned(), route.callbacks);
        self.callbacks = Arc::new(callbacks);
        let definition = Arc::make_mut(&mut self.definition);
        if route.elements.iter().any(connects) {
            definition.use_identity = Some(true);
        }
        for surface in &mut definition.surfaces {
            surface.routes.insert(path.to_owned(), route.elements.clone());
        }
        self
    }
}

/// Whether people connect with an account there, as the SDK finds out too.
fn connects(element: &Element) -> bool {
    matches!(element.kind, Kind::Connection(_)) || element.contents().iter().any(connects)
}

impl fmt::Debug for NativeSurface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeSurface").field("definition", &self.definition).finish_non_exhaustive()
    }
}

impl SurfaceProgram for NativeSurface {
    fn definition(&self) -> &SurfaceDefinition {
        &self.definition
    }

    fn open<'a>(
        &'a self,
        _: &'a VisitContext,
        _: &'a HandlerCaller,
    ) -> BoxFuture<'a, Result<Box<dyn VisitProgram>, SurfaceError>> {
        let visit = NativeVisit { definition: self.definition.clone(), callbacks: self.callbacks.clone() };
        Box::pin(ready(Ok(Box::new(visit) as Box<dyn VisitProgram>)))
    }
}

/// Callbacks keep nothing of their own: what a visit has is in its state.
struct NativeVisit {
    definition: Arc<SurfaceDefinition>,
    callbacks: Arc<BTreeMap<String, Vec<(Event, Callback)>>>,
}

impl NativeVisit {
    fn callbacks(&self, path: &str) -> &[(Event, Callback)] {
        let route = self.definition.route(path).map(|(route, _)| route);
        route.and_then(|route| self.callbacks.get(route)).map_or(&[], Vec::as_slice)
    }
}

impl VisitProgram for NativeVisit {
    fn listens_to(&self, state: &SurfaceState, event: &Event) -> bool {
        self.callbacks(&state.navigation.path).iter().any(|(listens_to, _)| listens_to == event)
    }

    fn emit<'a>(
        &'a mut self,
        event: &'a Event,
        value: Option<&'a Value>,
        state: &'a mut SurfaceState,
    ) -> BoxFuture<'a, Result<(), SurfaceError>> {
        Box::pin(async move {
            let mut heard = false;
            for (_, callback) in
                self.callbacks(&state.navigation.path.clone()).iter().filter(|(listens_to, _)| listens_to == event)
            {
                callback(state, value).await?;
                heard = true;
            }
            if let (false, Event::Cancel(_)) = (heard, event) {
                let here = state.navigation.path.clone();
                state.navigate_to(here);
            }
            Ok(())
        })
    }
}
