//! The derives of `outrigger-integrations`, which documents and re-exports them: use that crate.

mod choice;
mod extra;
mod facts;
mod names;
mod settings;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// See `outrigger_integrations::Settings`.
#[proc_macro_derive(Settings, attributes(settings, field, group))]
pub fn derive_settings(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    settings::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// See `outrigger_integrations::settings::FieldValue`.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choice::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Derives `outrigger_integrations::rule::Facts` for a struct and `FactValue` for an enum; documented there.
#[proc_macro_derive(Facts, attributes(fact))]
pub fn derive_facts(input: TokenStream) -> TokenStream {
    facts::derive(parse_macro_input!(input as DeriveInput)).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// See `outrigger_integrations::ExtraColumns`.
#[proc_macro_derive(ExtraColumns, attributes(column))]
pub fn derive_extra_columns(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    extra::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
