//! `#[derive(Choice)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Ident, LitStr, Result, Variant};

use crate::names;

struct Choice<'a> {
    variant: &'a Ident,
    value: String,
    label: String,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "`Choice` is for enums whose variants have no fields"));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "`Choice` takes no generic parameters"));
    }
    let mut choices = Vec::new();
    for variant in &data.variants {
        let choice = read(variant)?;
        if choices.iter().any(|other: &Choice<'_>| other.value == choice.value) {
            return Err(Error::new_spanned(variant, format!("two variants have the value `{}`", choice.value)));
        }
        choices.push(choice);
    }
    if choices.is_empty() {
        return Err(Error::new_spanned(&input.ident, "`Choice` needs at least one variant"));
    }
    Ok(implement(&input.ident, &choices))
}

fn read(variant: &Variant) -> Result<Choice<'_>> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new_spanned(variant, "a variant of a `Choice` has no fields"));
    }
    let name = names::plain(&variant.ident);
    let mut choice = Choice { variant: &variant.ident, value: names::snake_case(&name), label: String::new() };
    choice.label = names::label(&choice.value);
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("choice")) {
        attribute.parse_nested_meta(|meta| {
            let text = |meta: &syn::meta::ParseNestedMeta<'_>| meta.value()?.parse::<LitStr>();
            if meta.path.is_ident("value") {
                let value = text(&meta)?;
                choice.value = value.value();
                if choice.value.trim().is_empty() {
                    return Err(Error::new_spanned(value, "a blank value is no choice"));
                }
            } else if meta.path.is_ident("label") {
                choice.label = text(&meta)?.value();
            } else {
                return Err(meta.error("a choice has a `value` and a `label`"));
            }
            Ok(())
        })?;
    }
    Ok(choice)
}

fn implement(name: &Ident, choices: &[Choice<'_>]) -> TokenStream {
    let variants: Vec<_> = choices.iter().map(|choice| choice.variant).collect();
    let values: Vec<_> = choices.iter().map(|choice| &choice.value).collect();
    let labels = choices.iter().map(|choice| &choice.label);
    quote! {
        #[automatically_derived]
        impl ::outrigger_integrations::settings::FieldValue for #name {
            const KIND: ::outrigger_integrations::settings::Kind = ::outrigger_integrations::settings::Kind::Choice;

            fn widget() -> ::outrigger_integrations::form::Widget {
                ::outrigger_integrations::form::Widget::Select {
                    options: ::outrigger_integrations::form::Options::Static(::std::vec![
                        #(::outrigger_integrations::form::Choice::new(#values, #labels)),*
                    ]),
                }
            }

            fn from_json(
                value: &::outrigger_integrations::settings::derived::serde_json::Value,
            ) -> ::core::result::Result<Self, ::outrigger_integrations::Text> {
                match value.as_str() {
                    #(::core::option::Option::Some(#values) => ::core::result::Result::Ok(Self::#variants),)*
                    _ => ::core::result::Result::Err(
                        ::outrigger_integrations::Text::plain("This is not one of the options."),
                    ),
                }
            }

            fn to_json(&self) -> ::outrigger_integrations::settings::derived::serde_json::Value {
                ::outrigger_integrations::settings::derived::serde_json::Value::from(match self {
                    #(Self::#variants => #values,)*
                })
            }
        }
    }
}
