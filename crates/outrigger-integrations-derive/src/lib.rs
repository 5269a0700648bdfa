//! The derives of `outrigger-integrations`, which documents and re-exports them: use that crate.

use proc_macro::TokenStream;

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
