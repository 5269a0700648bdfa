//! `#[derive(Facts)]`.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Lit, LitStr, Meta, Path, Token, Variant};

/// What `#[fact(…)]` says about a field or a variant.
#[derive(Default)]
struct FactOptions {
    name: Option<LitStr>,
    label: Option<LitStr>,
    help: Option<String>,
    reference: Option<LitStr>,
    choices: Option<Choices>,
    secret: bool,
    skip: bool,
}

enum Choices {
    Listed(Vec<(LitStr, LitStr)>),
    From(Path),
}

pub(crate) fn derive(input: DeriveInput) -> syn::Result<TokenStream> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => derive_struct(&input, fields.named.iter()),
            _ => Err(Error::new(input.ident.span(), "`Facts` needs a struct with named fields")),
        },
        Data::Enum(data) => derive_enum(&input, &data.variants),
        Data::Union(_) => Err(Error::new(input.ident.span(), "`Facts` cannot be derived for a union")),
    }
}

fn derive_struct<'a>(input: &DeriveInput, fields: impl Iterator<Item = &'a Field>) -> syn::Result<TokenStream> {
    if let Some(parameter) = input.generics.type_params().next() {
        return Err(Error::new(parameter.span(), "`Facts` cannot be derived for a struct with type parameters"));
    }
    let mut names = HashSet::new();
    let mut facts = Vec::new();
    let mut values = Vec::new();
    for field in fields {
        let options = FactOptions::read(&field.attrs)?;
        if options.skip {
            continue;
        }
        let name = options.name_of(field);
        if !names.insert(name.clone()) {
            return Err(Error::new(field.span(), format!("there are two facts with the name `{name}`")));
        }
        facts.push(options.fact(field, &name));
        values.push(options.value(field, &name));
    }
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::outrigger_integrations::rule::Facts for #ident #type_generics #where_clause {
            fn schema() -> &'static ::outrigger_integrations::rule::FactSchema {
                static SCHEMA: ::std::sync::OnceLock<::outrigger_integrations::rule::FactSchema> =
                    ::std::sync::OnceLock::new();
                SCHEMA.get_or_init(|| ::outrigger_integrations::rule::FactSchema::new([#(#facts),*]))
            }

            fn values(&self) -> ::outrigger_integrations::rule::FactValues {
                ::outrigger_integrations::rule::FactValues::new()#(#values)*
            }
        }
    })
}

impl FactOptions {
    fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut options = Self { help: doc_comment(attributes), ..Self::default() };
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("fact")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    options.name = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("label") {
                    options.label = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("help") {
                    options.help = Some(meta.value()?.parse::<LitStr>()?.value());
                } else if meta.path.is_ident("reference") {
                    options.reference = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("choices") && meta.input.peek(Token![=]) {
                    options.choices = Some(Choices::From(meta.value()?.parse()?));
                } else if meta.path.is_ident("choices") {
                    options.choices = Some(Choices::Listed(read_choices(meta.input)?));
                } else if meta.path.is_ident("secret") {
                    options.secret = true;
                } else if meta.path.is_ident("skip") {
                    options.skip = true;
                } else {
                    return Err(meta.error(
                        "unknown; there are `name`, `label`, `help`, `reference`, `choices`, `secret` and `skip`",
                    ));
                }
                Ok(())
            })?;
        }
        match (&options.reference, &options.choices) {
            (Some(reference), Some(_)) => Err(Error::new(reference.span(), "either `reference` or `choices`")),
            _ => Ok(options),
        }
    }

    fn name_of(&self, field: &Field) -> String {
        let ident = || field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
        self.name.as_ref().map_or_else(ident, LitStr::value)
    }

    /// The expression that makes the `Fact`.
    fn fact(&self, field: &Field, name: &str) -> TokenStream {
        let ty = &field.ty;
        let label = self.label.as_ref().map_or_else(|| in_words(name), LitStr::value);
        let help = self.help.as_ref().map(|help| quote!(.explained(#help)));
        let hidden = self.secret.then(|| quote!(.hidden()));
        let kind = self.kind().map(|kind| quote!(.with_kind(#kind)));
        // The span of the type, so that an unfit type is what the compiler points at.
        quote_spanned! {ty.span()=>
            ::outrigger_integrations::rule::Fact::of::<#ty>(#name).labelled(#label)#help #hidden #kind
        }
    }

    fn kind(&self) -> Option<TokenStream> {
        if let Some(to) = &self.reference {
            return Some(quote!(::outrigger_integrations::rule::FactKind::Reference {
                to: ::std::borrow::Cow::Borrowed(#to)
            }));
        }
        let choices = match self.choices.as_ref()? {
            Choices::From(function) => quote!(#function()),
            Choices::Listed(choices) => {
                let choices = choices.iter().map(|(value, label)| choice(&value.value(), &label.value()));
                quote!(::std::vec![#(#choices),*])
            }
        };
        Some(quote!(::outrigger_integrations::rule::FactKind::Choice(#choices)))
    }

    /// The call that adds the value to the `FactValues`.
    fn value(&self, field: &Field, name: &str) -> TokenStream {
        let ident = &field.ident;
        let datum = quote!(::outrigger_integrations::rule::FactValue::datum(&self.#ident));
        let reference = self.reference.as_ref().map(|_| quote!(.into_reference()));
        quote!(.with_datum(#name, #datum #reference))
    }
}

fn read_choices(input: syn::parse::ParseStream) -> syn::Result<Vec<(LitStr, LitStr)>> {
    let listed;
    syn::parenthesized!(listed in input);
    let read = |listed: syn::parse::ParseStream| {
        let value: LitStr = listed.parse()?;
        listed.parse::<Token![=]>()?;
        Ok((value, listed.parse()?))
    };
    Ok(Punctuated::<_, Token![,]>::parse_terminated_with(&listed, read)?.into_iter().collect())
}

fn derive_enum(input: &DeriveInput, variants: &Punctuated<Variant, Token![,]>) -> syn::Result<TokenStream> {
    let mut choices = Vec::new();
    let mut arms = Vec::new();
    let mut values = HashSet::new();
    for variant in variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new(variant.span(), "`Facts` needs an enum whose variants have no fields"));
        }
        let options = FactOptions::read(&variant.attrs)?;
        if options.reference.is_some() || options.choices.is_some() || options.secret || options.skip {
            return Err(Error::new(variant.span(), "a variant has no other `fact` options than `name` and `label`"));
        }
        let value = options.name.map_or_else(|| snake_case(&variant.ident.unraw().to_string()), |name| name.value());
        if !values.insert(value.clone()) {
            return Err(Error::new(variant.span(), format!("there are two choices with the name `{value}`")));
        }
        choices.push(choice(&value, &options.label.map_or_else(|| in_words(&value), |label| label.value())));
        let ident = &variant.ident;
        arms.push(quote!(Self::#ident => #value));
    }
    if variants.is_empty() {
        return Err(Error::new(input.ident.span(), "`Facts` needs an enum with variants"));
    }
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::outrigger_integrations::rule::FactValue for #ident #type_generics #where_clause {
            fn kind() -> ::outrigger_integrations::rule::FactKind {
                ::outrigger_integrations::rule::FactKind::Choice(::std::vec![#(#choices),*])
            }

            fn datum(&self) -> ::outrigger_integrations::rule::Datum {
                ::outrigger_integrations::rule::Datum::Text(::std::borrow::Cow::Borrowed(match self { #(#arms),* }))
            }
        }
    })
}

fn choice(value: &str, label: &str) -> TokenStream {
    quote!(::outrigger_integrations::rule::FactChoice::new(#value, #label))
}

/// The first paragraph of the doc comment, on one line.
fn doc_comment(attributes: &[Attribute]) -> Option<String> {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let paragraph: Vec<String> = lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty()).collect();
    (!paragraph.is_empty()).then(|| paragraph.join(" "))
}

/// `target_branch` becomes `Target branch`.
fn in_words(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `OutForReview` becomes `out_for_review`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
