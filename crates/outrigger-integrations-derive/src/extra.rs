//! `#[derive(ExtraColumns)]`: columns for the fields of a struct that also derives `Settings`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, LitStr, Result};

use crate::names;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.ident.span(), "`ExtraColumns` needs a struct with named fields"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new(input.ident.span(), "`ExtraColumns` needs a struct with named fields"));
    };
    let columns = fields.named.iter().map(column).collect::<Result<Vec<_>>>()?;
    let name = &input.ident;
    Ok(quote! {
        impl ::outrigger_integrations::ExtraColumns for #name {
            fn columns() -> &'static [::outrigger_integrations::Column] {
                const COLUMNS: &[::outrigger_integrations::Column] = &[#(#columns),*];
                COLUMNS
            }

            fn form() -> &'static ::outrigger_integrations::FormSchema {
                <Self as ::outrigger_integrations::Settings>::form()
            }

            fn from_values(
                values: &::outrigger_integrations::Values,
            ) -> ::core::result::Result<Self, ::outrigger_integrations::FieldFaults> {
                <Self as ::outrigger_integrations::Settings>::from_values(values)
            }

            fn to_values(&self) -> ::outrigger_integrations::Values {
                <Self as ::outrigger_integrations::Settings>::to_values(self)
            }
        }
    })
}

fn column(field: &Field) -> Result<TokenStream> {
    let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a column needs a name"))?;
    let name = names::plain(ident);
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err(Error::new(ident.span(), "the name of a column has lower-case letters, digits and `_` only"));
    }
    let ty = &field.ty;
    let references = match references(&field.attrs)? {
        Some(target) => quote! { ::core::option::Option::Some(#target) },
        None => quote! { ::core::option::Option::None },
    };
    Ok(quote! {
        ::outrigger_integrations::Column {
            name: #name,
            kind: <#ty as ::outrigger_integrations::ColumnValue>::COLUMN,
            required: <#ty as ::outrigger_integrations::FieldValue>::REQUIRED,
            references: #references,
        }
    })
}

/// `#[column(references = "person(id)")]`.
fn references(attributes: &[Attribute]) -> Result<Option<LitStr>> {
    let mut target = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("column")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("references") {
                target = Some(meta.value()?.parse()?);
                Ok(())
            } else {
                Err(meta.error("a column has `references` only"))
            }
        })?;
    }
    Ok(target)
}
