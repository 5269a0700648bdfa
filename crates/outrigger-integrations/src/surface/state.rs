//! A visit as callbacks see and change it.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{Circumstances, Display, Element, Kind};
use crate::handler::{HandlerCall, HandlerCaller, HandlerReply};

/// What is in an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A text.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Input {
    /// The text, or the first of several.
    pub fn text(&self) -> &str {
        match self {
            Input::One(text) => text,
            Input::Many(texts) => texts.first().map_or("", String::as_str),
        }
    }
}

/// Where and for whom a surface is open.
#[derive(Clone, Debug)]
pub struct VisitContext {
    /// The site, if it is that of a site.
    pub site: Option<VisitSite>,
    /// The id of the account.
    pub account: String,
    /// With which the handlers are called; short-lived, and for this integration and place only.
    pub token: SecretString,
    /// With which handlers call the service, if people connected with it by OAuth.
    pub provider_token: Option<SecretString>,
    /// Where the handlers are, to be called from outside.
    pub server_url: Url,
    /// Whether people have connected with an account at the service by OAuth.
    pub is_connected: bool,
    /// Whether the integration is enabled here.
    pub is_enabled: bool,
    /// The build plugins of the site.
    pub plugins: Vec<String>,
}

/// A site, as a surface may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitSite {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: Url,
}

/// Where somebody is on a surface, and where a callback sends them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Navigation {
    /// The path within the surface, which begins with `/`.
    pub path: String,
    /// The query that came with it, with its `?`; blank for none.
    pub search: String,
    /// The fragment that came with it, with its `#`; blank for none.
    pub hash: String,
    /// Where to go once the callback is over.
    pub go: Option<Go>,
}

impl Navigation {
    /// Goes to a place of the surface: a path, and maybe a query and a fragment.
    pub(super) fn enter(&mut self, to: &str) {
        let to = if to.starts_with('/') { to.to_owned() } else { format!("/{to}") };
        let (to, hash) = to.find('#').map_or((&*to, ""), |at| to.split_at(at));
        let (path, search) = to.find('?').map_or((to, ""), |at| to.split_at(at));
        *self = Self { path: path.to_owned(), search: search.to_owned(), hash: hash.to_owned(), go: None };
    }
}

/// Where to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Go {
    /// To another path of the surface, or the same one anew.
    Route(String),
    /// Elsewhere.
    External(Url),
}

/// A visit: what callbacks see of it, and may change.
#[derive(Clone, Debug)]
pub struct SurfaceState {
    /// The elements of the route, live: what is changed is what people see when the callback is over. At each
    /// navigation they begin as they are in the definition.
    pub elements: Vec<Element>,
    /// What people have put into the inputs, by their ids.
    pub inputs: BTreeMap<String, Input>,
    /// Whatever the integration keeps during the visit, beyond a navigation.
    pub data: Value,
    /// Where and for whom it is.
    pub context: Arc<VisitContext>,
    /// Where on the surface.
    pub navigation: Navigation,
    handlers: HandlerCaller,
}

impl SurfaceState {
    pub(super) fn new(context: Arc<VisitContext>, handlers: HandlerCaller) -> Self {
        let (elements, inputs) = (Vec::new(), BTreeMap::new());
        Self { elements, inputs, data: Value::Null, context, navigation: Navigation::default(), handlers }
    }

    /// The element with this id.
    pub fn element(&mut self, id: &str) -> Option<&mut Element> {
        self.elements.iter_mut().find_map(|element| element.find_mut(id))
    }

    /// The input of a form.
    pub fn form_element(&mut self, form: &str, id: &str) -> Option<&mut Element> {
        self.element(&format!("{form}_{id}"))
    }

    /// What is in an input of a form; blank if nothing is.
    pub fn form_input(&self, form: &str, id: &str) -> &str {
        self.inputs.get(&format!("{form}_{id}")).map_or("", Input::text)
    }

    /// Puts a text into an input of a form.
    pub fn set_form_input(&mut self, form: &str, id: &str, text: impl Into<String>) {
        self.inputs.insert(format!("{form}_{id}"), Input::One(text.into()));
    }

    /// Lets people see an element. Nothing happens if there is none.
    pub fn show(&mut self, id: &str) {
        self.set_display(id, Display::Visible);
    }

    /// Hides an element. Nothing happens if there is none.
    pub fn hide(&mut self, id: &str) {
        self.set_display(id, Display::Hidden);
    }

    fn set_display(&mut self, id: &str, display: Display) {
        if let Some(element) = self.element(id) {
            element.display = Some(display);
        }
    }

    /// What the element is, to be changed.
    pub fn kind(&mut self, id: &str) -> Option<&mut Kind> {
        self.element(id).map(|element| &mut element.kind)
    }

    /// Goes to another path of the surface once the callback is over, or enters this one anew.
    pub fn navigate_to(&mut self, path: impl Into<String>) {
        self.navigation.go = Some(Go::Route(path.into()));
    }

    /// Leaves the surface once the callback is over.
    pub fn navigate_externally(&mut self, url: Url) {
        self.navigation.go = Some(Go::External(url));
    }

    /// Calls a handler of the integration, for whom and where the surface is open.
    pub async fn fetch(&self, call: HandlerCall) -> HandlerReply {
        self.handlers.call(call).await
    }

    /// What the conditions of elements are about.
    pub(super) fn circumstances(&self, name: &str, friendly_name: &str) -> Circumstances {
        let enabled = self.context.is_enabled;
        Circumstances {
            package: serde_json::json!({ "enabled": enabled, "name": name, "friendlyName": friendly_name }),
            data: self.data.clone(),
            plugins: self.context.plugins.clone(),
        }
    }
}
