//! `#[derive(Settings)]`.

mod attributes;
mod checks;
mod field;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Fields, LitInt, LitStr, Path, Result};

use crate::names;
use field::Field;

#[derive(Default)]
struct Options {
    version: Option<LitInt>,
    migrate: Option<Path>,
    validate: Option<Path>,
}

#[derive(Default)]
struct Group {
    title: Option<LitStr>,
    help: Option<LitStr>,
    wide: bool,
    fields: Vec<TokenStream>,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let named = named_fields(input)?;
    let options = read_options(input)?;
    let fields = named.iter().map(Field::read).collect::<Result<Vec<_>>>()?;
    checks::references(&fields)?;
    let form = form(named, &fields)?;
    let checks: Vec<_> = fields.iter().flat_map(checks::of_types).collect();
    let serialize = serialize(input, &fields);
    if input.generics.params.is_empty() {
        let implementation = implement(input, &options, &form_once(&form), &fields)?;
        return Ok(quote! { #implementation #serialize #(const _: () = #checks;)* });
    }
    let implementation = implement(input, &options, &form_of_type(&form, &checks), &fields)?;
    Ok(quote! { #implementation #serialize })
}

fn form_once(form: &TokenStream) -> TokenStream {
    quote! {
        static FORM: ::std::sync::OnceLock<::outrigger_integrations::FormSchema> = ::std::sync::OnceLock::new();
        FORM.get_or_init(|| #form)
    }
}

/// A static is one for all types that the parameters stand for, and constants outside of the function cannot name them.
fn form_of_type(form: &TokenStream, checks: &[TokenStream]) -> TokenStream {
    quote! {
        #(const { #checks };)*
        ::outrigger_integrations::settings::derived::form_of::<Self>(|| #form)
    }
}

fn named_fields(input: &DeriveInput) -> Result<&syn::punctuated::Punctuated<syn::Field, syn::Token![,]>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(&fields.named),
            _ => Err(Error::new_spanned(&input.ident, "settings are a struct with named fields")),
        },
        _ => Err(Error::new_spanned(&input.ident, "settings are a struct with named fields")),
    }
}

fn read_options(input: &DeriveInput) -> Result<Options> {
    let mut options = Options::default();
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("settings")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("version") {
                let version: LitInt = meta.value()?.parse()?;
                if version.base10_parse::<u32>()? == 0 {
                    return Err(Error::new_spanned(version, "versions count from 1"));
                }
                options.version = Some(version);
            } else if meta.path.is_ident("migrate") {
                options.migrate = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("validate") {
                options.validate = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("settings have `version`, `migrate` and `validate`"));
            }
            Ok(())
        })?;
    }
    Ok(options)
}

/// The group that begins with this field, if one does.
fn read_group(field: &syn::Field) -> Result<Option<Group>> {
    let mut group = None;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("group")) {
        if group.is_some() {
            return Err(Error::new_spanned(attribute, "a field begins at most one group"));
        }
        let mut read = Group::default();
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("title") {
                read.title = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("help") {
                read.help = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("wide") {
                read.wide = true;
            } else {
                return Err(meta.error("a group has `title`, `help` and `wide`"));
            }
            Ok(())
        })?;
        if read.title.is_none() {
            return Err(Error::new_spanned(attribute, "a group needs a `title`"));
        }
        group = Some(read);
    }
    Ok(group)
}

fn form<'a>(named: impl IntoIterator<Item = &'a syn::Field>, fields: &[Field]) -> Result<TokenStream> {
    let mut groups = vec![Group::default()];
    for (source, field) in named.into_iter().zip(fields) {
        groups.extend(read_group(source)?);
        if let Some(group) = groups.last_mut() {
            group.fields.push(field.build());
        }
    }
    let groups = groups.iter().filter(|group| !group.fields.is_empty()).map(|group| {
        let (title, help) = (optional_text(group.title.as_ref()), optional_text(group.help.as_ref()));
        let (wide, fields) = (group.wide, &group.fields);
        quote! {
            ::outrigger_integrations::form::Group {
                title: #title,
                help: #help,
                wide: #wide,
                fields: ::std::vec![#(#fields),*],
            }
        }
    });
    Ok(quote! { ::outrigger_integrations::form::FormSchema { groups: ::std::vec![#(#groups),*] } })
}

fn optional_text(text: Option<&LitStr>) -> TokenStream {
    match text {
        Some(text) => quote! { ::core::option::Option::Some(::outrigger_integrations::Text::plain(#text)) },
        None => quote! { ::core::option::Option::None },
    }
}

fn implement(input: &DeriveInput, options: &Options, form: &TokenStream, fields: &[Field]) -> Result<TokenStream> {
    let name = &input.ident;
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    let version = options.version.as_ref().map_or(Ok(1), LitInt::base10_parse::<u32>)?;
    let from_values = from_values(fields);
    let stored = fields.iter().filter(|field| !field.attributes.transient()).map(|field| {
        let (ident, key) = (&field.ident, &field.name);
        quote! {
            values.insert(::std::string::String::from(#key), ::outrigger_integrations::settings::FieldValue::to_json(&self.#ident));
        }
    });
    let idents = fields.iter().map(|field| &field.ident);
    let migrate = options.migrate.as_ref().map(|path| {
        quote! {
            fn migrate(
                from: u32,
                values: ::outrigger_integrations::Values,
            ) -> ::core::result::Result<::outrigger_integrations::Values, ::std::string::String> {
                #path(from, values)
            }
        }
    });
    let validate = options.validate.as_ref().map(|path| {
        quote! {
            fn validate(&self, faults: &mut ::outrigger_integrations::FieldFaults) {
                #path(self, faults)
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::outrigger_integrations::settings::Settings for #name #arguments #bounds {
            const VERSION: u32 = #version;

            fn form() -> &'static ::outrigger_integrations::FormSchema {
                #form
            }

            fn from_values(
                values: &::outrigger_integrations::Values,
            ) -> ::core::result::Result<Self, ::outrigger_integrations::FieldFaults> {
                #from_values
            }

            fn to_values(&self) -> ::outrigger_integrations::Values {
                let mut values = ::outrigger_integrations::Values::new();
                #(#stored)*
                values
            }

            #migrate
            #validate

            fn rules(&self) -> ::core::option::Option<&::outrigger_integrations::rule::RuleSet> {
                ::core::option::Option::None
                #(.or_else(|| ::outrigger_integrations::settings::FieldValue::rules(&self.#idents)))*
            }
        }
    })
}

fn from_values(fields: &[Field]) -> TokenStream {
    if fields.is_empty() {
        return quote! { let _ = values; ::core::result::Result::Ok(Self {}) };
    }
    let idents: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let types = fields.iter().map(|field| &field.ty);
    let keys = fields.iter().map(|field| &field.name);
    let taken: Vec<_> = (0..fields.len()).map(|at| format_ident!("field_{at}")).collect();
    quote! {
        let mut reader = ::outrigger_integrations::settings::derived::Reader::new(<Self as ::outrigger_integrations::Settings>::form(), values);
        #(let #taken = reader.take::<#types>(#keys);)*
        let mut faults = reader.into_faults();
        let (#(::core::option::Option::Some(#taken),)*) = (#(#taken,)*) else {
            return ::core::result::Result::Err(faults);
        };
        let settings = Self { #(#idents: #taken),* };
        ::outrigger_integrations::settings::Settings::validate(&settings, &mut faults);
        if faults.is_empty() { ::core::result::Result::Ok(settings) } else { ::core::result::Result::Err(faults) }
    }
}

fn serialize(input: &DeriveInput, fields: &[Field]) -> TokenStream {
    let name = &input.ident;
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    let count = fields.len();
    let entries = fields.iter().map(|field| {
        let (ident, key) = (&field.ident, &field.name);
        quote! {
            map.serialize_entry(#key, &::outrigger_integrations::settings::FieldValue::to_shown(&self.#ident))?;
        }
    });
    quote! {
        /// To be shown: secrets are `***`.
        #[automatically_derived]
        impl #parameters ::outrigger_integrations::settings::derived::serde::Serialize for #name #arguments #bounds {
            fn serialize<__Serializer: ::outrigger_integrations::settings::derived::serde::Serializer>(
                &self,
                serializer: __Serializer,
            ) -> ::core::result::Result<__Serializer::Ok, __Serializer::Error> {
                use ::outrigger_integrations::settings::derived::serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(::core::option::Option::Some(#count))?;
                #(#entries)*
                map.end()
            }
        }
    }
}

/// The label of a field that has none of its own.
fn default_label(name: &str) -> String {
    names::label(name)
}
