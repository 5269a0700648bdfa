//! Mistakes that are found when the settings are compiled.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use regex::{Regex, RegexBuilder};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Lit, LitInt, Result};

use super::attributes::FieldAttributes;
use super::field::{Field, number};

/// What can be seen from the attributes of one field alone.
pub(super) fn of_attributes(attributes: &FieldAttributes) -> Result<()> {
    for limit in [&attributes.min, &attributes.max, &attributes.step].into_iter().flatten() {
        if number(limit).is_none_or(|number| !number.is_finite()) {
            return Err(Error::new_spanned(limit, "this has to be a number, written out"));
        }
    }
    let range = |name, least: Option<f64>, most: Option<f64>, span: Span| match (least, most) {
        (Some(least), Some(most)) if least > most => Err(Error::new(span, format!("`{name}` is less than the least"))),
        _ => Ok(()),
    };
    let limit = |limit: &Option<Expr>| limit.as_ref().and_then(number);
    range("max", limit(&attributes.min), limit(&attributes.max), attributes.max.span())?;
    let length = |length: &Option<LitInt>| length.as_ref().map(LitInt::base10_parse::<u32>).transpose();
    let (least, most) = (length(&attributes.min_len)?, length(&attributes.max_len)?);
    range("max_len", least.map(f64::from), most.map(f64::from), attributes.max_len.span())?;
    if let Some(widget) = attributes.widget.as_ref().filter(|widget| *widget != "textarea") {
        return Err(Error::new_spanned(widget, "the widget follows from the type; only `textarea` can be chosen"));
    }
    of_options(attributes)?;
    of_units(attributes)?;
    of_default(attributes)
}

fn of_options(attributes: &FieldAttributes) -> Result<()> {
    if let (Some(other), None) = (attributes.depends_on.first(), attributes.options_from) {
        return Err(Error::new(
            other.span,
            "only options that come from the integration (`options_from`) depend on fields",
        ));
    }
    if let (Some(span), false) = (attributes.options_from, attributes.options.is_empty()) {
        return Err(Error::new(span, "`options` and `options_from` exclude each other"));
    }
    let values: Vec<_> = attributes.options.iter().map(|option| option.value.value()).collect();
    for (at, option) in attributes.options.iter().enumerate() {
        if values[at].trim().is_empty() || values[..at].contains(&values[at]) {
            return Err(Error::new_spanned(&option.value, "options have different values that are not blank"));
        }
    }
    Ok(())
}

fn of_units(attributes: &FieldAttributes) -> Result<()> {
    const UNITS: [&str; 4] = ["seconds", "minutes", "hours", "days"];
    let unknown = attributes.units.iter().find(|unit| !UNITS.contains(&unit.value().as_str()));
    unknown.map_or(Ok(()), |unit| Err(Error::new_spanned(unit, "the units are seconds, minutes, hours and days")))
}

/// The pattern has to be one, and a written-out default has to fit the other attributes.
fn of_default(attributes: &FieldAttributes) -> Result<()> {
    let pattern = attributes.pattern.as_ref().map(|pattern| {
        let regex = regex(&pattern.value()).and_then(|_| regex(&format!("^(?:{})$", pattern.value())));
        regex.map_err(|error| Error::new_spanned(pattern, error))
    });
    let pattern = pattern.transpose()?;
    let Some(default) = &attributes.default else { return Ok(()) };
    let fault = |text| Err(Error::new_spanned(default, text));
    if let (Some(default), min, max) = (number(default), &attributes.min, &attributes.max) {
        let below = min.as_ref().and_then(number).is_some_and(|min| default < min);
        if below || max.as_ref().and_then(number).is_some_and(|max| default > max) {
            return fault("the default is out of the range of the field");
        }
    }
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = default else { return Ok(()) };
    let text = text.value();
    if pattern.is_some_and(|pattern| !pattern.is_match(&text)) {
        return fault("the default does not match the `pattern`");
    }
    let length = |limit: &Option<LitInt>| limit.as_ref().and_then(|limit| limit.base10_parse::<usize>().ok());
    let count = text.chars().count();
    let (min, max) = (length(&attributes.min_len).unwrap_or(0), length(&attributes.max_len).unwrap_or(usize::MAX));
    if !(min..=max).contains(&count) {
        return fault("the default is too short or too long for the field");
    }
    if !attributes.options.is_empty() && !attributes.options.iter().any(|option| option.value.value() == text) {
        return fault("the default is not one of the `options`");
    }
    Ok(())
}

/// With the limits of `outrigger_integrations::form::Pattern`.
fn regex(expression: &str) -> std::result::Result<Regex, regex::Error> {
    const LARGEST_PROGRAM: usize = 1 << 20;
    RegexBuilder::new(expression).size_limit(LARGEST_PROGRAM).dfa_size_limit(LARGEST_PROGRAM).build()
}

/// Fields that are named in attributes have to be there.
pub(super) fn references(fields: &[Field]) -> Result<()> {
    for field in fields {
        let attributes = &field.attributes;
        let shown_if = attributes.shown_if.as_ref().map(|shown_if| &shown_if.field);
        for other in attributes.bound_to.iter().chain(&attributes.depends_on).chain(shown_if) {
            if other.name == field.name {
                return Err(Error::new(other.span, "this is the field itself"));
            }
            if !fields.iter().any(|field| field.name == other.name) {
                return Err(Error::new(other.span, format!("there is no field `{}`", other.name)));
            }
        }
    }
    Ok(())
}

/// Assertions about the type of a field, each where its attribute stands: expressions without a value, for a
/// constant to compute.
pub(super) fn of_types(field: &Field) -> Vec<TokenStream> {
    let attributes = &field.attributes;
    let ty = &field.ty;
    let kind = |span: Span, allowed: &str, message: &str| {
        let allowed = quote::format_ident!("{allowed}");
        let kind = quote! { <#ty as ::outrigger_integrations::settings::FieldValue>::KIND };
        quote_spanned! { span =>
            ::core::assert!(::outrigger_integrations::settings::derived::#allowed(#kind), #message)
        }
    };
    let ranges = [&attributes.min, &attributes.max, &attributes.step].into_iter().flatten();
    let lengths = [&attributes.min_len, &attributes.max_len].into_iter().flatten();
    let options = attributes.options.first().map(|option| option.value.span()).or(attributes.options_from);
    // What a type cannot be, as a list of lists, it says where its kind is computed.
    let sound = quote_spanned! { ty.span() =>
        { let _: ::outrigger_integrations::settings::Kind = <#ty as ::outrigger_integrations::settings::FieldValue>::KIND; }
    };
    let mut checks = vec![sound];
    checks.extend(
        ranges.map(|limit| kind(limit.span(), "takes_range", "`min`, `max` and `step` are for numbers and amounts")),
    );
    checks.extend(
        lengths.map(|limit| kind(limit.span(), "takes_length", "`min_len` and `max_len` are for texts and lists")),
    );
    checks.extend(attributes.pattern.as_ref().map(|it| kind(it.span(), "takes_text", "a `pattern` is for texts")));
    checks.extend(attributes.widget.as_ref().map(|it| kind(it.span(), "is_text", "a `textarea` is for one text")));
    checks.extend(options.map(|span| kind(span, "takes_text", "options are for texts and lists of texts")));
    checks.extend(attributes.units.first().map(|it| kind(it.span(), "is_amount", "units are for amounts")));
    checks.extend(attributes.default.as_ref().and_then(|default| {
        let (allowed, message) = literal_kind(default)?;
        Some(kind(default.span(), allowed, message))
    }));
    checks.extend(of_presence(field));
    checks
}

/// Which types a written-out default is for.
fn literal_kind(default: &Expr) -> Option<(&'static str, &'static str)> {
    match default {
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => {
            Some(("default_text", "this default is a text; the field is not"))
        }
        Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) => Some(("default_bool", "this default is for a `bool`")),
        Expr::Array(_) => Some(("default_list", "this default is a list; the field is not")),
        _ if number(default).is_some() => Some(("default_number", "this default is a number; the field is not")),
        _ => None,
    }
}

/// Assertions about whether the field can be blank, or is a secret.
fn of_presence(field: &Field) -> Vec<TokenStream> {
    let (attributes, ty) = (&field.attributes, &field.ty);
    let required = quote! { <#ty as ::outrigger_integrations::settings::FieldValue>::REQUIRED };
    let secret = quote! { <#ty as ::outrigger_integrations::settings::FieldValue>::SECRET };
    let assert = |span: Span, what: &TokenStream, message: &str| {
        quote_spanned! { span => ::core::assert!(#what, #message) }
    };
    let mut checks = Vec::new();
    if let Some(span) = attributes.required {
        checks.push(assert(span, &quote! { !#required }, "the type is required already"));
    }
    if let Some(bound) = attributes.bound_to.first() {
        checks.push(assert(bound.span, &secret, "`bound_to` is for secrets"));
    }
    let Some(default) = &attributes.default else {
        let unseen = attributes.readonly.as_ref().map(syn::LitStr::span).or(attributes.transient).or(attributes.hidden);
        let unseen = unseen.or(attributes.shown_if.as_ref().map(|shown_if| shown_if.span));
        let message = "not everybody can fill in this field: it needs a `default`, or a type that may be blank";
        checks.extend(unseen.map(|span| assert(span, &quote! { !#required }, message)));
        return checks;
    };
    checks.push(assert(
        default.span(),
        &quote! { !#secret },
        "a secret has no `default`: the source code is no place for it",
    ));
    checks
}
