//! What a surface is made of: fifteen kinds of elements, with the names that they have on the wire (contract
//! integration-api, section 6). What we do not know, whole elements and single fields, is kept as it came.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Condition;

/// One element of a surface, with what all kinds have in common.
///
/// ```
/// use outrigger_integrations::surface::{Element, Kind};
///
/// let element: Element = serde_json::from_value(serde_json::json!({
///     "type": "text", "id": "hint", "display": "hidden", "value": "Not **yet**.",
/// }))?;
/// assert!(element.is_hidden());
/// assert!(matches!(element.kind, Kind::Text(_)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Element {
    /// Its name among the elements of a route; what nobody asks for has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether people see it; visible if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Display>,
    /// When it looks different.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// Whatever the integration keeps there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
}

/// Whether people see an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Display {
    /// They do.
    Visible,
    /// They do not; it keeps its place.
    Hidden,
}

/// What an element is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A part of the page with a heading.
    Section(Section),
    /// A box with a heading.
    Card(Card),
    /// Inputs that are sent together.
    Form(Form),
    /// Text in a little Markdown.
    Text(Text),
    /// A link.
    Link(Link),
    /// A button.
    Button(Button),
    /// A list with dots or icons.
    UnorderedList(UnorderedList),
    /// A list with numbers.
    OrderedList(OrderedList),
    /// A field for text.
    InputText(InputText),
    /// A field whose text is not shown.
    InputPassword(InputPassword),
    /// A choice.
    Select(Select),
    /// A notice.
    Alert(Alert),
    /// The card that connects with an account at the service, by OAuth; the host draws and runs it.
    Connection(Connection),
    /// The card that disables the integration; the host draws and runs it.
    DisableIntegration(DisableIntegration),
    /// Source text, to be copied.
    CodeSnippet(CodeSnippet),
    /// None of these; not shown.
    #[serde(untagged)]
    Unknown(Map<String, Value>),
}

macro_rules! kinds {
    ($($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_about])*
                #[serde(skip_serializing_if = "is_absent")]
                pub $field: $type,
            )*
            /// What we do not know of it.
            #[serde(flatten)]
            pub rest: Map<String, Value>,
        }
    )*};
}

kinds! {
    /// A part of the page with a heading.
    Section {
        /// The heading.
        title: Always<String>,
        /// A sentence below it.
        description: Option<String>,
        /// What is in it.
        contents: Always<Vec<Element>>,
    }
    /// A box with a heading.
    Card {
        /// The heading.
        title: Always<String>,
        /// A sentence below it.
        description: Option<String>,
        /// What is in it.
        contents: Always<Vec<Element>>,
    }
    /// Inputs that are sent together.
    Form {
        /// The heading.
        title: Always<String>,
        /// A sentence below it.
        description: Option<String>,
        /// What is on its button, `Save` without one.
        save_label: Option<String>,
        /// What is on it while it is being sent.
        saving_label: Option<String>,
        /// What is on the other button, `Cancel` without one.
        cancel_label: Option<String>,
        /// How it looks: `default` or `settings`.
        variant: Option<String>,
        /// Whether there is no other button.
        hide_cancel: Option<bool>,
        /// Whether nobody can change anything in it.
        read_only: Option<bool>,
        /// What is in it.
        contents: Always<Vec<Element>>,
    }
    /// Text in a little Markdown.
    Text {
        /// The text.
        value: Always<String>,
    }
    /// A link.
    Link {
        /// Where to.
        href: Always<String>,
        /// What it is called.
        text: Always<String>,
        /// In which window: `_blank` for a new one.
        target: Option<String>,
    }
    /// A button.
    Button {
        /// What is on it.
        title: Always<String>,
        /// How it looks: `standard`, `danger` or `pop`.
        variant: Option<String>,
        /// What people have to agree to first.
        confirmation_message: Option<String>,
    }
    /// A list with dots or icons.
    UnorderedList {
        /// Its items.
        items: Always<Vec<Item>>,
    }
    /// An item of a list.
    Item {
        /// The text.
        text: Always<String>,
        /// `success`, `warning` or none.
        icon: Option<String>,
    }
    /// A list with numbers.
    OrderedList {
        /// Its items.
        items: Always<Vec<String>>,
    }
    /// A field for text.
    InputText {
        /// What it is called.
        label: Always<String>,
        /// What is in it at first.
        value: Option<String>,
        /// An example.
        placeholder: Option<String>,
        /// A sentence below it.
        help_text: Option<String>,
        /// Whether it must not be blank.
        required: Option<bool>,
        /// What stands to its left, instead of its name above it.
        left_label: Option<String>,
        /// What stands in it while it is blank and has no example.
        floating_label: Option<String>,
        /// `text`, `textarea`, `email`, `number`, `tel` or `url`.
        field_type: Option<String>,
        /// What must hold of the text.
        validation: Option<Validation>,
    }
    /// A field whose text is not shown.
    InputPassword {
        /// What it is called.
        label: Always<String>,
        /// What is in it at first. It is not sent to the browser.
        value: Option<String>,
        /// An example.
        placeholder: Option<String>,
        /// A sentence below it.
        help_text: Option<String>,
        /// Whether it must not be blank.
        required: Option<bool>,
        /// What stands to its left, instead of its name above it.
        left_label: Option<String>,
        /// What stands in it while it is blank and has no example.
        floating_label: Option<String>,
        /// What must hold of the text.
        validation: Option<Validation>,
    }
    /// What must hold of a text.
    Validation {
        /// A regular expression, of the whole text.
        pattern: Always<String>,
        /// What people are told otherwise.
        message: Option<String>,
    }
    /// A choice.
    Select {
        /// What it is called.
        label: Always<String>,
        /// What can be chosen.
        options: Always<Vec<SelectOption>>,
        /// What stands there while nothing is chosen.
        placeholder: Option<String>,
        /// A sentence below it.
        help_text: Option<String>,
        /// Whether something must be chosen.
        required: Option<bool>,
    }
    /// One of the choices.
    SelectOption {
        /// What it stands for.
        value: Always<String>,
        /// What it is called, if not so.
        label: Option<String>,
        /// Whether it is chosen at first.
        is_selected: Option<bool>,
    }
    /// A notice.
    Alert {
        /// `error`, `warning` or `info`.
        level: Always<String>,
        /// The text.
        text: Always<String>,
    }
    /// The card that connects with an account at the service.
    Connection {
        /// What the service is called.
        provider_friendly_name: Always<String>,
        /// What stands there while there is no connection.
        connect_with_message: Always<String>,
        /// What stands there while there is one.
        disconnect_from_message: Always<String>,
        /// What people have to agree to before it ends.
        disconnect_warning: Option<String>,
    }
    /// The card that disables the integration.
    DisableIntegration {
        /// What the integration is called.
        integration_name: Always<String>,
        /// What it means.
        description: Option<String>,
    }
    /// Source text, to be copied.
    CodeSnippet {
        /// The text.
        code: Always<String>,
        /// In which language.
        language: Always<String>,
    }
}

/// A field that is on the wire whatever is in it. One that is missing there is empty here.
pub type Always<T> = T;

/// What is not written: a field that an element does not have.
trait Absent {
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Absent for String {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        false
    }
}

fn is_absent(field: &impl Absent) -> bool {
    field.is_absent()
}

impl Element {
    /// An element of this kind, visible and without a name.
    pub fn new(kind: Kind) -> Self {
        Self { id: None, display: None, condition: None, data: None, kind }
    }

    /// Whether people do not see it.
    pub fn is_hidden(&self) -> bool {
        self.display == Some(Display::Hidden)
    }

    /// What is in it.
    pub fn contents(&self) -> &[Element] {
        match &self.kind {
            Kind::Section(Section { contents, .. })
            | Kind::Card(Card { contents, .. })
            | Kind::Form(Form { contents, .. }) => contents,
            _ => &[],
        }
    }

    /// The same, to be changed.
    pub fn contents_mut(&mut self) -> &mut [Element] {
        match &mut self.kind {
            Kind::Section(Section { contents, .. })
            | Kind::Card(Card { contents, .. })
            | Kind::Form(Form { contents, .. }) => contents,
            _ => &mut [],
        }
    }

    /// The element with this id: itself, or one in it.
    pub fn find(&self, id: &str) -> Option<&Element> {
        if self.id.as_deref() == Some(id) {
            return Some(self);
        }
        self.contents().iter().find_map(|element| element.find(id))
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, id: &str) -> Option<&mut Element> {
        if self.id.as_deref() == Some(id) {
            return Some(self);
        }
        self.contents_mut().iter_mut().find_map(|element| element.find_mut(id))
    }
}
