//! The code that builds one field of the form.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Expr, ExprLit, Ident, Lit, Result, Type, UnOp};

use super::attributes::FieldAttributes;
use super::{default_label, optional_text};
use crate::names;

pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) attributes: FieldAttributes,
    doc: Option<String>,
}

impl Field {
    pub(super) fn read(source: &syn::Field) -> Result<Self> {
        let Some(ident) = source.ident.clone() else {
            return Err(Error::new_spanned(source, "settings have named fields"));
        };
        let attributes = FieldAttributes::read(&source.attrs)?;
        super::checks::of_attributes(&attributes)?;
        let name = names::plain(&ident);
        Ok(Self { ident, name, ty: source.ty.clone(), attributes, doc: names::doc_comment(&source.attrs) })
    }

    /// The expression of the field.
    pub(super) fn build(&self) -> TokenStream {
        let (name, ty, attributes) = (&self.name, &self.ty, &self.attributes);
        let label = attributes.label.as_ref().map_or_else(|| default_label(name), syn::LitStr::value);
        let help = match (&attributes.help, &self.doc) {
            (None, Some(doc)) => {
                quote! { ::core::option::Option::Some(::outrigger_integrations::Text::plain(#doc)) }
            }
            (help, _) => optional_text(help.as_ref()),
        };
        let placeholder = optional_text(attributes.placeholder.as_ref());
        let read_only = optional_text(attributes.readonly.as_ref());
        let (transient, hidden) = (attributes.transient(), attributes.hidden.is_some());
        let required = attributes.required.map(|_| quote! { field.required = true; });
        let bound_to = attributes.bound_to.iter().map(|other| &other.name);
        let shown_if = self.shown_if();
        let default = attributes.default.as_ref().map(|default| {
            let value = json(default, Some(ty));
            quote! { field.default = ::core::option::Option::Some(#value); }
        });
        let limits = self.limits();
        quote! {{
            let mut field = ::outrigger_integrations::settings::derived::field::<#ty>(#name, #label);
            field.help = #help;
            field.placeholder = #placeholder;
            field.read_only = #read_only;
            field.transient = #transient;
            field.hidden = #hidden;
            field.bound_to = ::std::vec![#(::std::convert::From::from(#bound_to)),*];
            #required
            #default
            #shown_if
            #limits
            field
        }}
    }

    fn shown_if(&self) -> Option<TokenStream> {
        let shown_if = self.attributes.shown_if.as_ref()?;
        let other = &shown_if.field.name;
        let values = shown_if.is.iter().map(|value| json(value, None));
        Some(quote! {
            field.shown_if = ::core::option::Option::Some(::outrigger_integrations::form::ShownIf {
                field: ::std::convert::From::from(#other),
                is: ::std::vec![#(#values),*],
            });
        })
    }

    /// What the attributes change about the widget.
    fn limits(&self) -> TokenStream {
        let attributes = &self.attributes;
        let set = |name: &str, value: Option<TokenStream>| {
            let name = quote::format_ident!("{name}");
            value.map(|value| quote! { limits.#name = ::core::option::Option::Some(#value); })
        };
        let number = |expr: &Option<Expr>| expr.as_ref().and_then(number).map(|number| quote! { #number });
        let changes = [
            set("min", number(&attributes.min)),
            set("max", number(&attributes.max)),
            set("step", number(&attributes.step)),
            set("min_len", attributes.min_len.as_ref().map(|len| quote! { #len })),
            set("max_len", attributes.max_len.as_ref().map(|len| quote! { #len })),
            set("pattern", attributes.pattern.as_ref().map(|pattern| quote! { #pattern })),
            set("options", self.options()),
            attributes.widget.as_ref().map(|_| quote! { limits.lines = true; }),
        ];
        let changes: Vec<_> = changes.into_iter().flatten().collect();
        let units = &attributes.units;
        if changes.is_empty() && units.is_empty() {
            return TokenStream::new();
        }
        quote! {
            let mut limits = ::outrigger_integrations::settings::derived::Limits::default();
            #(#changes)*
            limits.units = &[#(#units),*];
            field.widget = limits.apply(field.widget);
        }
    }

    fn options(&self) -> Option<TokenStream> {
        let attributes = &self.attributes;
        if !attributes.options.is_empty() {
            let choices = attributes.options.iter().map(|option| {
                let value = &option.value;
                let label = option.label.as_ref().map_or_else(|| names::label(&value.value()), syn::LitStr::value);
                quote! { ::outrigger_integrations::form::Choice::new(#value, #label) }
            });
            return Some(quote! { ::outrigger_integrations::form::Options::Static(::std::vec![#(#choices),*]) });
        }
        attributes.options_from?;
        let names = attributes.depends_on.iter().map(|other| &other.name);
        Some(quote! {
            ::outrigger_integrations::form::Options::Dynamic {
                depends_on: ::std::vec![#(::std::convert::From::from(#names)),*],
            }
        })
    }
}

/// The number that an expression writes out.
pub(super) fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => number(&unary.expr).map(|number| -number),
        _ => None,
    }
}

/// The JSON of a literal or of a list of them, or else of a value of the field's own type.
fn json(expr: &Expr, ty: Option<&Type>) -> TokenStream {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(_) | Lit::Bool(_), .. }) => {
            quote! { ::outrigger_integrations::settings::derived::serde_json::Value::from(#expr) }
        }
        Expr::Array(list) => {
            let rows = list.elems.iter().map(|row| json(row, None));
            quote! { ::outrigger_integrations::settings::derived::serde_json::Value::Array(::std::vec![#(#rows),*]) }
        }
        _ if number(expr).is_some() => {
            quote! { ::outrigger_integrations::settings::derived::serde_json::Value::from(#expr) }
        }
        _ => {
            let ty = ty.map_or_else(|| quote! { _ }, |ty| quote! { #ty });
            quote! { ::outrigger_integrations::settings::derived::to_json::<#ty>(&#expr) }
        }
    }
}
