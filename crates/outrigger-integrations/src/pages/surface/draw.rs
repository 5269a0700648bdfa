//! Elements as HTML: one template for each kind.

use std::collections::BTreeMap;

use askama::Template;

use super::super::render;
use super::super::say::Say;
use super::highlight::highlight;
use super::{DISABLE, DISCONNECT, Place, SurfaceVisitor, say};
use crate::surface::element::{
    Button, CodeSnippet, Connection, DisableIntegration, Form, InputPassword, InputText, Item, Link, Select,
    SelectOption,
};
use crate::surface::{Element, Input, Kind, VisitView, markdown_to_html};

macro_rules! template {
    ($name:ident<'a>, $path:literal, { $($field:ident: $type:ty,)* }) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> { $($field: $type,)* }
    };
}

template!(PageTemplate<'a>, "surface/page.html", {
    say: Say<'a>,
    title: &'a str,
    restarted: Option<String>,
    error: Option<&'a str>,
    action: &'a str,
    visit: String,
    step: u64,
    elements: String,
});
template!(EnableTemplate<'a>, "surface/enable.html", { say: Say<'a>, title: &'a str, text: String, may_change: bool, });
template!(SectionTemplate<'a>, "surface/section.html", {
    title: &'a str,
    description: Option<&'a str>,
    contents: String,
});
template!(CardTemplate<'a>, "surface/card.html", {
    title: &'a str,
    description: Option<&'a str>,
    contents: String,
});
template!(FormTemplate<'a>, "surface/form.html", {
    id: &'a str,
    html_id: &'a str,
    action: &'a str,
    visit: String,
    step: u64,
    title: &'a str,
    description: Option<&'a str>,
    settings: bool,
    may_submit: bool,
    save_label: &'a str,
    saving_label: Option<&'a str>,
    cancel_label: Option<&'a str>,
    error: Option<&'a str>,
    contents: String,
});
template!(TextTemplate<'a>, "surface/text.html", { html: &'a str, });
template!(LinkTemplate<'a>, "surface/link.html", {
    say: Say<'a>,
    href: &'a str,
    text: &'a str,
    safe: bool,
    new_window: bool,
});
template!(ButtonTemplate<'a>, "surface/button.html", {
    say: Say<'a>,
    id: &'a str,
    html_id: &'a str,
    title: &'a str,
    class: &'static str,
    form: &'static str,
    confirm: Option<&'a str>,
    error: Option<&'a str>,
    may_change: bool,
});
template!(UnorderedListTemplate<'a>, "surface/unordered_list.html", { say: Say<'a>, items: &'a [Item], });
template!(OrderedListTemplate<'a>, "surface/ordered_list.html", { items: &'a [String], });
template!(InputTemplate<'a>, "surface/input.html", {
    say: Say<'a>,
    id: &'a str,
    html_id: &'a str,
    form: &'static str,
    kind: &'static str,
    label: &'a str,
    value: &'a str,
    placeholder: &'a str,
    help: Option<&'a str>,
    fault: Option<&'a str>,
    required: bool,
    left_label: bool,
});
template!(SelectTemplate<'a>, "surface/select.html", {
    say: Say<'a>,
    id: &'a str,
    html_id: &'a str,
    form: &'static str,
    label: &'a str,
    value: &'a str,
    placeholder: &'a str,
    help: Option<&'a str>,
    fault: Option<&'a str>,
    error: Option<&'a str>,
    required: bool,
    listening: bool,
    options: &'a [SelectOption],
});
template!(AlertTemplate<'a>, "surface/alert.html", { class: &'static str, html: &'a str, });
template!(ConnectionTemplate<'a>, "surface/connection.html", {
    say: Say<'a>,
    provider: &'a str,
    text: &'a str,
    connected: bool,
    confirm: Option<String>,
    connect_url: Option<&'a str>,
    may_change: bool,
});
template!(DisableTemplate<'a>, "surface/disable_integration.html", {
    say: Say<'a>,
    title: String,
    description: Option<&'a str>,
    question: String,
    confirming: bool,
    may_change: bool,
});
template!(CodeTemplate<'a>, "surface/code_snippet.html", {
    say: Say<'a>,
    html_id: &'a str,
    language: &'a str,
    html: &'a str,
});

/// A whole page of a surface.
pub(super) fn page(view: &VisitView, visitor: &SurfaceVisitor, place: &Place, restarted: bool) -> String {
    let say = say(place);
    let action = place.url(&view.path);
    let title = &visitor.program.definition().friendly_name;
    let enabled = visitor.context.is_enabled;
    let drawing = Drawing { view, visitor, say, action: &action };
    let elements = if enabled { drawing.all(&view.elements, None) } else { drawing.offer(title) };
    let text = "This page was left for too long, so it begins anew.";
    render(&PageTemplate {
        say,
        title,
        restarted: restarted.then(|| say.t(text).into_owned()),
        error: view.error.as_ref().filter(|error| !drawing.has_place(error.element.as_deref())).map(|e| &*e.text),
        action: &action,
        visit: view.id.to_string(),
        step: view.step,
        elements,
    })
}

/// A page that says why there is none.
pub(super) fn problem(text: &str) -> String {
    let class = "bad";
    let html = markdown_to_html(text);
    format!("<div class=\"og\">{}</div>", render(&AlertTemplate { class, html: &html }))
}

/// Names an element in the page; what has no id of its own is named by where it stands.
fn html_id(id: &str) -> String {
    let plain: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("e-{plain}")
}

struct Drawing<'a> {
    view: &'a VisitView,
    visitor: &'a SurfaceVisitor,
    say: Say<'a>,
    action: &'a str,
}

impl<'a> Drawing<'a> {
    /// Elements that are seen; `form` is the form that they are in.
    fn all(&self, elements: &'a [Element], form: Option<&Form>) -> String {
        elements.iter().filter(|element| !element.is_hidden()).map(|element| self.one(element, form)).collect()
    }

    fn one(&self, element: &'a Element, form: Option<&Form>) -> String {
        let id = element.id.as_deref().unwrap_or_default();
        match &element.kind {
            Kind::Section(section) => {
                let contents = self.all(&section.contents, form);
                render(&SectionTemplate {
                    title: &section.title,
                    description: section.description.as_deref(),
                    contents,
                })
            }
            Kind::Card(card) => {
                let contents = self.all(&card.contents, form);
                render(&CardTemplate { title: &card.title, description: card.description.as_deref(), contents })
            }
            Kind::Form(form) => self.form(id, form),
            Kind::Text(text) => render(&TextTemplate { html: &markdown_to_html(&text.value) }),
            Kind::Link(link) => self.link(link),
            Kind::Button(button) => self.button(id, button, form),
            Kind::UnorderedList(list) => render(&UnorderedListTemplate { say: self.say, items: &list.items }),
            Kind::OrderedList(list) => render(&OrderedListTemplate { items: &list.items }),
            Kind::InputText(input) => self.input_text(id, input, form),
            Kind::InputPassword(input) => self.input_password(id, input, form),
            Kind::Select(select) => self.select(id, select, form),
            Kind::Alert(alert) => {
                let class = match alert.level.as_str() {
                    "error" => "bad",
                    "warning" => "warn",
                    _ => "info",
                };
                render(&AlertTemplate { class, html: &markdown_to_html(&alert.text) })
            }
            Kind::Connection(connection) => self.connection(connection),
            Kind::DisableIntegration(disable) => self.disable(disable),
            Kind::CodeSnippet(snippet) => self.code(id, snippet),
            // What another version of the SDK knows is nothing to us.
            Kind::Unknown(_) => String::new(),
        }
    }

    /// What stands there while the integration is not enabled.
    fn offer(&self, title: &str) -> String {
        let text = self.say.t("This integration is not enabled here yet.").into_owned();
        render(&EnableTemplate { say: self.say, title, text, may_change: self.visitor.may_change })
    }

    fn form(&self, id: &str, form: &'a Form) -> String {
        let contents = self.all(&form.contents, Some(form));
        let (save, cancel) = (self.say.t("Save"), self.say.t("Cancel"));
        let cancel = form.cancel_label.as_deref().unwrap_or(&cancel);
        render(&FormTemplate {
            id,
            html_id: &html_id(id),
            action: self.action,
            visit: self.view.id.to_string(),
            step: self.view.step,
            title: &form.title,
            description: form.description.as_deref(),
            settings: form.variant.as_deref() == Some("settings"),
            may_submit: self.visitor.may_change && form.read_only != Some(true),
            save_label: form.save_label.as_deref().unwrap_or(&save),
            saving_label: form.saving_label.as_deref(),
            cancel_label: (form.hide_cancel != Some(true)).then_some(cancel),
            error: self.error_at(id),
            contents,
        })
    }

    fn link(&self, link: &Link) -> String {
        render(&LinkTemplate {
            say: self.say,
            href: &link.href,
            text: &link.text,
            safe: crate::surface::is_safe_address(&link.href),
            new_window: link.target.as_deref() == Some("_blank"),
        })
    }

    fn button(&self, id: &str, button: &Button, form: Option<&Form>) -> String {
        let asked = self.view.confirming.as_deref() == Some(id);
        let class = match button.variant.as_deref() {
            Some("danger") => "og-button-danger",
            Some("pop") => "og-button-main",
            _ => "",
        };
        render(&ButtonTemplate {
            say: self.say,
            id,
            html_id: &html_id(id),
            title: &button.title,
            class,
            form: form_attribute(form),
            confirm: button.confirmation_message.as_deref().filter(|_| asked),
            error: self.error_at(id),
            may_change: self.visitor.may_change,
        })
    }

    fn input_text(&self, id: &str, input: &InputText, form: Option<&Form>) -> String {
        let kind = match input.field_type.as_deref() {
            Some("textarea") => "textarea",
            Some("email") => "email",
            Some("number") => "number",
            Some("tel") => "tel",
            Some("url") => "url",
            _ => "text",
        };
        render(&InputTemplate {
            say: self.say,
            id,
            html_id: &html_id(id),
            form: form_attribute(form),
            kind,
            label: input.left_label.as_deref().unwrap_or(&input.label),
            value: self.value(id),
            placeholder: input.placeholder.as_deref().or(input.floating_label.as_deref()).unwrap_or_default(),
            help: input.help_text.as_deref(),
            fault: self.fault(id),
            required: input.required == Some(true),
            left_label: input.left_label.is_some(),
        })
    }

    fn input_password(&self, id: &str, input: &InputPassword, form: Option<&Form>) -> String {
        render(&InputTemplate {
            say: self.say,
            id,
            html_id: &html_id(id),
            form: form_attribute(form),
            kind: "password",
            label: input.left_label.as_deref().unwrap_or(&input.label),
            value: "",
            placeholder: input.placeholder.as_deref().or(input.floating_label.as_deref()).unwrap_or_default(),
            help: input.help_text.as_deref(),
            fault: self.fault(id),
            required: input.required == Some(true),
            left_label: input.left_label.is_some(),
        })
    }

    fn select(&self, id: &str, select: &Select, form: Option<&Form>) -> String {
        let choose = self.say.t("Choose …");
        render(&SelectTemplate {
            say: self.say,
            id,
            html_id: &html_id(id),
            form: form_attribute(form),
            label: &select.label,
            value: self.value(id),
            placeholder: select.placeholder.as_deref().unwrap_or(&choose),
            help: select.help_text.as_deref(),
            fault: self.fault(id),
            error: self.error_at(id),
            required: select.required == Some(true),
            listening: self.view.listening.iter().any(|listening| listening == id),
            options: &select.options,
        })
    }

    fn connection(&self, connection: &Connection) -> String {
        let connected = self.visitor.context.is_connected;
        let asked = self.view.confirming.as_deref() == Some(DISCONNECT);
        let warning = connection.disconnect_warning.clone();
        let warning = warning.unwrap_or_else(|| self.say.t("Do you want to disconnect?").into_owned());
        render(&ConnectionTemplate {
            say: self.say,
            provider: &connection.provider_friendly_name,
            text: if connected { &connection.disconnect_from_message } else { &connection.connect_with_message },
            connected,
            confirm: asked.then_some(warning),
            connect_url: self.visitor.connect_url.as_deref(),
            may_change: self.visitor.may_change,
        })
    }

    fn disable(&self, disable: &DisableIntegration) -> String {
        let name = [("name", disable.integration_name.as_str())];
        render(&DisableTemplate {
            say: self.say,
            title: self.say.with("Disable {name}", &name),
            description: disable.description.as_deref(),
            question: self.say.with("Do you want to disable {name}? What it has set up here is removed.", &name),
            confirming: self.view.confirming.as_deref() == Some(DISABLE),
            may_change: self.visitor.may_change,
        })
    }

    fn code(&self, id: &str, snippet: &CodeSnippet) -> String {
        let html_id = if id.is_empty() { html_id(&snippet.language) } else { html_id(id) };
        let html = highlight(&snippet.code, &snippet.language);
        render(&CodeTemplate { say: self.say, html_id: &html_id, language: &snippet.language, html: &html })
    }

    fn value(&self, id: &str) -> &'a str {
        self.view.inputs.get(id).map_or("", Input::text)
    }

    fn fault(&self, id: &str) -> Option<&'a str> {
        let faults: &BTreeMap<String, String> = &self.view.faults;
        faults.get(id).map(String::as_str)
    }

    /// What went wrong with this element.
    fn error_at(&self, id: &str) -> Option<&'a str> {
        let error = self.view.error.as_ref()?;
        (!id.is_empty() && error.element.as_deref() == Some(id)).then_some(&*error.text)
    }

    /// Whether an error of this element is shown at it.
    fn has_place(&self, element: Option<&str>) -> bool {
        let Some(id) = element else { return false };
        self.visitor.context.is_enabled && is_seen(&self.view.elements, id)
    }
}

/// Whether people see the element with this id.
fn is_seen(elements: &[Element], id: &str) -> bool {
    let seen = |element: &Element| {
        !element.is_hidden() && (element.id.as_deref() == Some(id) || is_seen(element.contents(), id))
    };
    elements.iter().any(seen)
}

/// What is in no form belongs to the one of the page.
fn form_attribute(form: Option<&Form>) -> &'static str {
    if form.is_some() { "" } else { " form=\"og-page\"" }
}
