//! Surfaces written in Rust: a function for each kind of element, and what else there is to say about it as methods.
//!
//! ```
//! use outrigger_integrations::surface::build::*;
//! use outrigger_integrations::surface::Element;
//!
//! let connect: Element = form("connect", "Connect")
//!     .save_label("Connect")
//!     .with(input_text("email", "E-mail").field_type("email").required())
//!     .with(input_password("key", "API key").required().help_text("Made in the console of the service."))
//!     .into();
//! // An input of a form is named after both.
//! assert!(connect.find("connect_email").is_some());
//! ```

use serde_json::Value;

use super::element::{
    Alert, Button, Card, CodeSnippet, Connection, DisableIntegration, Form, InputPassword, InputText, Item, Link,
    OrderedList, Section, Select, SelectOption, Text, UnorderedList, Validation,
};
use super::{Condition, Display, Element, Kind};

/// An element that is being written, of which the kind is known.
#[derive(Clone, Debug)]
pub struct Draft<K> {
    id: Option<String>,
    display: Option<Display>,
    condition: Option<Condition>,
    data: Option<Value>,
    kind: K,
}

fn draft<K>(id: Option<&str>, kind: K) -> Draft<K> {
    Draft { id: id.map(str::to_owned), display: None, condition: None, data: None, kind }
}

impl<K> Draft<K> {
    /// With a name, by which callbacks find it.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Not seen, until a callback shows it.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.display = Some(Display::Hidden);
        self
    }

    /// Looking different while something holds.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// With something that the integration keeps there.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}

macro_rules! options {
    ($($kind:ident { $($(#[$about:meta])* $method:ident($argument:ty) => $field:ident,)* })*) => {$(
        impl Draft<$kind> {$(
            $(#[$about])*
            #[must_use]
            pub fn $method(mut self, $field: impl Into<$argument>) -> Self {
                self.kind.$field = Some($field.into());
                self
            }
        )*}

        impl From<Draft<$kind>> for Element {
            fn from(draft: Draft<$kind>) -> Self {
                let Draft { id, display, condition, data, kind } = draft;
                Element { id, display, condition, data, kind: Kind::$kind(kind) }
            }
        }
    )*};
}

options! {
    Section {
        /// With a sentence below its heading.
        description(String) => description,
    }
    Card {
        /// With a sentence below its heading.
        description(String) => description,
    }
    Form {
        /// With a sentence below its heading.
        description(String) => description,
        /// With this on its button.
        save_label(String) => save_label,
        /// With this on it while it is being sent.
        saving_label(String) => saving_label,
        /// With this on its other button.
        cancel_label(String) => cancel_label,
        /// Looking like this: `default` or `settings`.
        variant(String) => variant,
        /// With or without its other button.
        hide_cancel(bool) => hide_cancel,
        /// To look at only.
        read_only(bool) => read_only,
    }
    Text {}
    Link {
        /// In this window.
        target(String) => target,
    }
    Button {
        /// Looking like this: `standard`, `danger` or `pop`.
        variant(String) => variant,
        /// After people have agreed to this.
        confirmation_message(String) => confirmation_message,
    }
    UnorderedList {}
    OrderedList {}
    InputText {
        /// With this in it at first.
        value(String) => value,
        /// With an example.
        placeholder(String) => placeholder,
        /// With a sentence below it.
        help_text(String) => help_text,
        /// For this: `text`, `textarea`, `email`, `number`, `tel` or `url`.
        field_type(String) => field_type,
        /// With this to its left, instead of its name above it.
        left_label(String) => left_label,
        /// With this in it while it is blank and has no example.
        floating_label(String) => floating_label,
    }
    InputPassword {
        /// With this in it at first.
        value(String) => value,
        /// With an example.
        placeholder(String) => placeholder,
        /// With a sentence below it.
        help_text(String) => help_text,
        /// With this to its left, instead of its name above it.
        left_label(String) => left_label,
        /// With this in it while it is blank and has no example.
        floating_label(String) => floating_label,
    }
    Select {
        /// With this while nothing is chosen.
        placeholder(String) => placeholder,
        /// With a sentence below it.
        help_text(String) => help_text,
    }
    Alert {}
    Connection {
        /// With what people have to agree to before it ends.
        disconnect_warning(String) => disconnect_warning,
    }
    DisableIntegration {
        /// With what it means.
        description(String) => description,
    }
    CodeSnippet {}
}

macro_rules! required {
    ($($kind:ident)*) => {$(
        impl Draft<$kind> {
            /// Not to be left blank.
            #[must_use]
            pub fn required(mut self) -> Self {
                self.kind.required = Some(true);
                self
            }
        }
    )*};
}

required!(InputText InputPassword Select);

macro_rules! contents {
    ($($kind:ident)*) => {$(
        impl Draft<$kind> {
            /// With this in it, after what is there.
            #[must_use]
            pub fn with(mut self, element: impl Into<Element>) -> Self {
                self.kind.contents.push(element.into());
                self
            }

            /// With these in it, after what is there.
            #[must_use]
            pub fn contents<E: Into<Element>>(self, contents: impl IntoIterator<Item = E>) -> Self {
                contents.into_iter().fold(self, |draft, element| draft.with(element))
            }
        }
    )*};
}

contents!(Section Card);

impl Draft<Form> {
    /// With this in it, after what is there. The id of each input becomes `<form>_<id>`, as in the SDK.
    #[must_use]
    pub fn with(mut self, element: impl Into<Element>) -> Self {
        let mut element = element.into();
        if let Some(form) = &self.id {
            name_after(form, &mut element);
        }
        self.kind.contents.push(element);
        self
    }

    /// With these in it, after what is there.
    #[must_use]
    pub fn contents<E: Into<Element>>(self, contents: impl IntoIterator<Item = E>) -> Self {
        contents.into_iter().fold(self, |draft, element| draft.with(element))
    }
}

fn name_after(form: &str, element: &mut Element) {
    let is_input = matches!(element.kind, Kind::InputText(_) | Kind::InputPassword(_) | Kind::Select(_));
    match &mut element.id {
        Some(id) if is_input => *id = format!("{form}_{id}"),
        _ => element.contents_mut().iter_mut().for_each(|inner| name_after(form, inner)),
    }
}

macro_rules! validation {
    ($($kind:ident)*) => {$(
        impl Draft<$kind> {
            /// With a regular expression that the whole text has to match, and what people are told otherwise.
            #[must_use]
            pub fn validation(mut self, pattern: impl Into<String>, message: impl Into<String>) -> Self {
                let (pattern, message) = (pattern.into(), Some(message.into()));
                self.kind.validation = Some(Validation { pattern, message, ..Validation::default() });
                self
            }
        }
    )*};
}

validation!(InputText InputPassword);

impl Draft<Select> {
    /// With one more choice, of this value and with this name.
    #[must_use]
    pub fn option(mut self, value: impl Into<String>, label: impl Into<String>) -> Self {
        self.kind.options.push(SelectOption::new(value, label));
        self
    }
}

impl SelectOption {
    /// A choice of this value, with this name.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: Some(label.into()), ..Self::default() }
    }
}

impl Draft<UnorderedList> {
    /// With one more item.
    #[must_use]
    pub fn item(mut self, text: impl Into<String>) -> Self {
        self.kind.items.push(Item { text: text.into(), ..Item::default() });
        self
    }

    /// With one more item, before which an icon stands: `success` or `warning`.
    #[must_use]
    pub fn item_with_icon(mut self, text: impl Into<String>, icon: impl Into<String>) -> Self {
        self.kind.items.push(Item { text: text.into(), icon: Some(icon.into()), ..Item::default() });
        self
    }
}

/// A part of the page with a heading.
pub fn section(title: impl Into<String>) -> Draft<Section> {
    draft(None, Section { title: title.into(), ..Section::default() })
}

/// A box with a heading.
pub fn card(title: impl Into<String>) -> Draft<Card> {
    draft(None, Card { title: title.into(), ..Card::default() })
}

/// Inputs that are sent together.
pub fn form(id: &str, title: impl Into<String>) -> Draft<Form> {
    draft(Some(id), Form { title: title.into(), ..Form::default() })
}

/// Text in a little Markdown.
pub fn text(value: impl Into<String>) -> Draft<Text> {
    draft(None, Text { value: value.into(), ..Text::default() })
}

/// A link.
pub fn link(href: impl Into<String>, text: impl Into<String>) -> Draft<Link> {
    draft(None, Link { href: href.into(), text: text.into(), ..Link::default() })
}

/// A button.
pub fn button(id: &str, title: impl Into<String>) -> Draft<Button> {
    draft(Some(id), Button { title: title.into(), ..Button::default() })
}

/// A list with dots or icons.
pub fn unordered_list() -> Draft<UnorderedList> {
    draft(None, UnorderedList::default())
}

/// A list with numbers.
pub fn ordered_list<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Draft<OrderedList> {
    draft(None, OrderedList { items: items.into_iter().map(Into::into).collect(), ..OrderedList::default() })
}

/// A field for text.
pub fn input_text(id: &str, label: impl Into<String>) -> Draft<InputText> {
    draft(Some(id), InputText { label: label.into(), ..InputText::default() })
}

/// A field whose text is not shown.
pub fn input_password(id: &str, label: impl Into<String>) -> Draft<InputPassword> {
    draft(Some(id), InputPassword { label: label.into(), ..InputPassword::default() })
}

/// A choice.
pub fn select(id: &str, label: impl Into<String>) -> Draft<Select> {
    draft(Some(id), Select { label: label.into(), ..Select::default() })
}

/// A notice: `error`, `warning` or `info`.
pub fn alert(level: impl Into<String>, text: impl Into<String>) -> Draft<Alert> {
    draft(None, Alert { level: level.into(), text: text.into(), ..Alert::default() })
}

/// The card that connects with an account at the service.
pub fn connection(
    provider: impl Into<String>,
    connect_with: impl Into<String>,
    disconnect_from: impl Into<String>,
) -> Draft<Connection> {
    let kind = Connection {
        provider_friendly_name: provider.into(),
        connect_with_message: connect_with.into(),
        disconnect_from_message: disconnect_from.into(),
        ..Connection::default()
    };
    draft(None, kind)
}

/// The card that disables the integration.
pub fn disable_integration(name: impl Into<String>) -> Draft<DisableIntegration> {
    draft(None, DisableIntegration { integration_name: name.into(), ..DisableIntegration::default() })
}

/// Source text, to be copied.
pub fn code_snippet(language: impl Into<String>, code: impl Into<String>) -> Draft<CodeSnippet> {
    draft(None, CodeSnippet { code: code.into(), language: language.into(), ..CodeSnippet::default() })
}
