//! The HTML surface: one file per page or group of pages, each with its typed context; the templates are in
//! `templates/`. Pages work without JavaScript, and there is none.

use std::fmt;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::error::{ApiResult, internal};
use crate::store::Time;

pub mod accounts;
pub mod assets;
pub mod authorize;
pub(crate) mod connections;
pub(crate) mod error_pages;
mod form;
pub(crate) mod integrations;
pub mod layout;
pub mod protection;
pub mod settings;
pub mod sign_in;
pub mod sites;
pub(crate) mod surfaces;

#[cfg(test)]
mod tests;

pub use layout::{Layout, Section};

/// What the page handlers of this surface return.
type PageResult = Result<Response, crate::auth::PageRefusal>;

fn page(template: &impl Template) -> ApiResult<Response> {
    Ok(Html(template.render().map_err(internal)?).into_response())
}

/// A text of an error, which begins small and has no end, as a sentence.
struct Sentence<'a>(&'a str);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.chars();
        let Some(first) = rest.next() else { return Ok(()) };
        write!(f, "{}{}.", first.to_uppercase(), rest.as_str().trim_end_matches('.'))
    }
}

/// A moment, for people.
struct When<'a>(&'a Time);

impl fmt::Display for When<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.timestamp().strftime("%-d %b %Y, %H:%M UTC"))
    }
}

/// A day, for people.
struct Day<'a>(&'a Time);

impl fmt::Display for Day<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.timestamp().strftime("%-d %b %Y"))
    }
}
