//! The derives of `outrigger-integrations`, which documents and re-exports them: use that crate.

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod facts;

/// See `outrigger_integrations::Settings`.
#[proc_macro_derive(Settings, attributes(settings, field, group))]
pub fn derive_settings(input: TokenStream) -> TokenStream {
    let _ = input;
    TokenStream::new()
}

/// See `outrigger_integrations::settings::FieldValue`.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    let _ = input;
    TokenStream::new()
}

/// Derives `outrigger_integrations::rule::Facts` for a struct and `FactValue` for an enum; documented there.
#[proc_macro_derive(Facts, attributes(fact))]
pub fn derive_facts(input: TokenStream) -> TokenStream {
    facts::derive(parse_macro_input!(input as DeriveInput)).unwrap_or_else(syn::Error::into_compile_error).into()
}
