//! The inputs of a page: what is in them, what may be, and who may press what.

use std::collections::BTreeMap;

use regex::RegexBuilder;

use super::element::Validation;
use super::{Element, Event, Input, Kind};

/// What is wrong with inputs, by their ids, for people.
pub type Faults = BTreeMap<String, String>;

const PATTERN_SIZE: usize = 256 * 1024;

/// Whether somebody can do this to the element. Nobody can do anything to what they do not see.
pub(super) fn takes(element: &Element, event: &Event) -> bool {
    !element.is_hidden()
        && match (event, &element.kind) {
            (Event::Click(_), Kind::Button(_)) | (Event::Change(_), Kind::Select(_)) => true,
            (Event::Submit(_), Kind::Form(form)) => form.read_only != Some(true),
            (Event::Cancel(_), Kind::Form(form)) => form.hide_cancel != Some(true),
            _ => false,
        }
}

/// Calls `visit` with each input and its id.
fn each<'a>(elements: &'a [Element], visit: &mut impl FnMut(&'a str, &'a Element)) {
    for element in elements {
        let is_input = matches!(element.kind, Kind::InputText(_) | Kind::InputPassword(_) | Kind::Select(_));
        match &element.id {
            Some(id) if is_input => visit(id, element),
            _ => each(element.contents(), visit),
        }
    }
}

/// The selects of which this holds, by their ids.
pub(super) fn selects(elements: &[Element], holds: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    each(elements, &mut |id, element| {
        if matches!(element.kind, Kind::Select(_)) && holds(id) {
            found.push(id.to_owned());
        }
    });
    found
}

/// What is in the inputs before anybody puts something there.
pub(super) fn first_inputs(elements: &[Element]) -> BTreeMap<String, Input> {
    let mut inputs = BTreeMap::new();
    each(elements, &mut |id, element| {
        let first = match &element.kind {
            Kind::InputText(input) => input.value.clone(),
            Kind::InputPassword(input) => input.value.clone(),
            Kind::Select(select) => {
                select.options.iter().find(|option| option.is_selected == Some(true)).map(|option| option.value.clone())
            }
            _ => None,
        };
        if let Some(first) = first {
            inputs.insert(id.to_owned(), Input::One(first));
        }
    });
    inputs
}

/// Puts what was sent into the inputs that there are. A blank in one whose text is not shown leaves it as it is.
pub(super) fn take_inputs(elements: &[Element], sent: &[(String, String)], inputs: &mut BTreeMap<String, Input>) {
    each(elements, &mut |id, element| {
        let Some((_, text)) = sent.iter().rev().find(|(name, _)| name == id) else { return };
        let takes = match &element.kind {
            Kind::InputPassword(_) => !text.is_empty(),
            Kind::Select(select) => text.is_empty() || select.options.iter().any(|option| option.value == *text),
            _ => true,
        };
        if takes && !element.is_hidden() {
            inputs.insert(id.to_owned(), Input::One(text.clone()));
        }
    });
}

/// What may be sent to the browser.
pub(super) fn shown_inputs(elements: &[Element], inputs: &BTreeMap<String, Input>) -> BTreeMap<String, Input> {
    let mut shown = inputs.clone();
    each(elements, &mut |id, element| {
        if matches!(element.kind, Kind::InputPassword(_)) {
            shown.remove(id);
        }
    });
    shown
}

/// What is wrong with what is in a form.
pub(super) fn check(elements: &[Element], form: &str, inputs: &BTreeMap<String, Input>) -> Faults {
    let mut faults = Faults::new();
    let Some(form) = elements.iter().find_map(|element| element.find(form)) else { return faults };
    each(form.contents(), &mut |id, element| {
        if element.is_hidden() {
            return;
        }
        let text = inputs.get(id).map_or("", Input::text);
        if let Some(fault) = fault(element, text) {
            faults.insert(id.to_owned(), fault);
        }
    });
    faults
}

fn fault(element: &Element, text: &str) -> Option<String> {
    let (required, validation) = match &element.kind {
        Kind::InputText(input) => (input.required, input.validation.as_ref()),
        Kind::InputPassword(input) => (input.required, input.validation.as_ref()),
        Kind::Select(select) => (select.required, None),
        _ => return None,
    };
    if text.trim().is_empty() {
        let what = if matches!(element.kind, Kind::Select(_)) { "Choose one." } else { "This must not be blank." };
        return (required == Some(true)).then(|| what.to_owned());
    }
    validation.filter(|validation| !matches(validation, text)).map(|validation| {
        validation.message.clone().unwrap_or_else(|| "This does not have the form that is asked for.".to_owned())
    })
}

/// A pattern that only a browser understands is left to the browser.
fn matches(validation: &Validation, text: &str) -> bool {
    let whole = format!("^(?:{})$", validation.pattern);
    RegexBuilder::new(&whole).size_limit(PATTERN_SIZE).build().map_or(true, |pattern| pattern.is_match(text))
}
