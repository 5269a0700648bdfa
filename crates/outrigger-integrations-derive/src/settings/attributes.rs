//! `#[field(..)]`.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, Ident, LitInt, LitStr, Result, Token, parenthesized};

const KNOWN: &str = "label, help, placeholder, default, required, pattern, min, max, step, min_len, max_len, widget, \
                     units, options, options_from, depends_on, readonly, transient, hidden, shown_if, bound_to";

/// What stands in the attributes of one field. Each keeps where it stands, for the errors.
#[derive(Default)]
pub(super) struct FieldAttributes {
    pub(super) label: Option<LitStr>,
    pub(super) help: Option<LitStr>,
    pub(super) placeholder: Option<LitStr>,
    pub(super) default: Option<Expr>,
    pub(super) required: Option<Span>,
    pub(super) pattern: Option<LitStr>,
    pub(super) min: Option<Expr>,
    pub(super) max: Option<Expr>,
    pub(super) step: Option<Expr>,
    pub(super) min_len: Option<LitInt>,
    pub(super) max_len: Option<LitInt>,
    pub(super) widget: Option<Ident>,
    pub(super) units: Vec<LitStr>,
    pub(super) options: Vec<OptionAttribute>,
    pub(super) options_from: Option<Span>,
    pub(super) depends_on: Vec<FieldName>,
    pub(super) readonly: Option<LitStr>,
    pub(super) transient: Option<Span>,
    pub(super) hidden: Option<Span>,
    pub(super) shown_if: Option<ShownIf>,
    pub(super) bound_to: Vec<FieldName>,
}

pub(super) struct ShownIf {
    pub(super) span: Span,
    pub(super) field: FieldName,
    pub(super) is: Vec<Expr>,
}

/// The name of another field: `name` or `"name"`.
pub(super) struct FieldName {
    pub(super) span: Span,
    pub(super) name: String,
}

impl Parse for FieldName {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let name: LitStr = input.parse()?;
            return Ok(Self { span: name.span(), name: name.value() });
        }
        let name: Ident = input.parse()?;
        Ok(Self { span: name.span(), name: crate::names::plain(&name) })
    }
}

/// `"value"` or `"value" = "Label"`.
pub(super) struct OptionAttribute {
    pub(super) value: LitStr,
    pub(super) label: Option<LitStr>,
}

impl Parse for OptionAttribute {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let value = input.parse()?;
        let label = input.parse::<Option<Token![=]>>()?.map(|_| input.parse()).transpose()?;
        Ok(Self { value, label })
    }
}

impl FieldAttributes {
    pub(super) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        let mut seen = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("field")) {
            attribute.parse_nested_meta(|meta| {
                let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                if seen.contains(&name) {
                    return Err(meta.error(format!("`{name}` is there twice")));
                }
                read.read_one(&name, &meta)?;
                seen.push(name);
                Ok(())
            })?;
        }
        Ok(read)
    }

    pub(super) fn transient(&self) -> bool {
        self.transient.is_some()
    }

    fn read_one(&mut self, name: &str, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let span = || meta.path.get_ident().map_or_else(Span::call_site, Ident::span);
        match name {
            "label" => self.label = Some(meta.value()?.parse()?),
            "help" => self.help = Some(meta.value()?.parse()?),
            "placeholder" => self.placeholder = Some(meta.value()?.parse()?),
            "default" => self.default = Some(meta.value()?.parse()?),
            "required" => self.required = Some(span()),
            "pattern" => self.pattern = Some(meta.value()?.parse()?),
            "min" => self.min = Some(meta.value()?.parse()?),
            "max" => self.max = Some(meta.value()?.parse()?),
            "step" => self.step = Some(meta.value()?.parse()?),
            "min_len" => self.min_len = Some(meta.value()?.parse()?),
            "max_len" => self.max_len = Some(meta.value()?.parse()?),
            "widget" => self.widget = Some(meta.value()?.parse()?),
            "units" => self.units = read_list(meta)?,
            "options" => self.options = read_list(meta)?,
            "options_from" => self.options_from = Some(span()),
            "depends_on" => self.depends_on = read_list(meta)?,
            "readonly" => self.readonly = Some(meta.value()?.parse()?),
            "transient" => self.transient = Some(span()),
            "hidden" => self.hidden = Some(span()),
            "shown_if" => self.shown_if = Some(read_shown_if(meta, span())?),
            "bound_to" => self.bound_to = read_list(meta)?,
            _ => return Err(meta.error(format!("unknown attribute of a field; there are: {KNOWN}"))),
        }
        Ok(())
    }
}

fn read_list<T: Parse>(meta: &ParseNestedMeta<'_>) -> Result<Vec<T>> {
    let inside;
    parenthesized!(inside in meta.input);
    let list = Punctuated::<T, Token![,]>::parse_terminated(&inside)?;
    if list.is_empty() {
        return Err(meta.error("this needs at least one entry"));
    }
    Ok(list.into_iter().collect())
}

fn read_shown_if(meta: &ParseNestedMeta<'_>, span: Span) -> Result<ShownIf> {
    let (mut field, mut is) = (None, None);
    meta.parse_nested_meta(|part| {
        if part.path.is_ident("field") {
            field = Some(part.value()?.parse()?);
        } else if part.path.is_ident("is") {
            is = Some(part.value()?.parse()?);
        } else {
            return Err(part.error("`shown_if` has `field` and `is`"));
        }
        Ok(())
    })?;
    let (Some(field), Some(is)) = (field, is) else {
        return Err(Error::new(span, "`shown_if` needs `field` and `is`: shown_if(field = \"kind\", is = \"chat\")"));
    };
    let is = match is {
        Expr::Array(several) => several.elems.into_iter().collect(),
        one => vec![one],
    };
    Ok(ShownIf { span, field, is })
}
