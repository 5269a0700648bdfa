//! What the host decides about the pages.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use super::{Layout, PlainLayout, Policy, ScopeFrom};
use crate::{Catalog, Text, Untranslated};

/// The language of a page.
#[derive(Clone)]
pub struct Language {
    /// Its tag, such as `en` or `pt-BR`.
    pub tag: String,
    /// Whether it is written from right to left.
    pub right_to_left: bool,
    /// What there is of translations.
    pub catalog: Arc<dyn Catalog>,
}

impl Default for Language {
    fn default() -> Self {
        Self { tag: "en".to_owned(), right_to_left: false, catalog: Arc::new(Untranslated) }
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Language").field("tag", &self.tag).finish_non_exhaustive()
    }
}

/// What the pages are called.
#[derive(Clone, Debug)]
pub struct Names {
    /// The title of the list.
    pub list: Text,
    /// A sentence below it.
    pub intro: Option<Text>,
}

impl Default for Names {
    fn default() -> Self {
        Self { list: Text::plain("Integrations"), intro: None }
    }
}

type FromParts<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

/// What the host decides about the pages: who may, where, and how it looks.
pub struct PagesOptions<P: Policy> {
    pub(super) policy: P,
    pub(super) scope: ScopeFrom<P::Principal>,
    pub(super) base_path: Option<FromParts<String>>,
    pub(super) layout: Arc<dyn Layout>,
    pub(super) names: Names,
    pub(super) language: FromParts<Language>,
    pub(super) styles: Vec<String>,
    pub(super) own_style: bool,
    pub(super) trusted_origins: Vec<String>,
    pub(super) body_limit: usize,
}

impl<P: Policy> PagesOptions<P> {
    /// The pages of the scope that follows from the mount, under this policy, in the plain layout and in English.
    pub fn new(policy: P, scope: ScopeFrom<P::Principal>) -> Self {
        Self {
            policy,
            scope,
            base_path: None,
            layout: Arc::new(PlainLayout),
            names: Names::default(),
            language: Arc::new(|_| Language::default()),
            styles: Vec::new(),
            own_style: true,
            trusted_origins: Vec::new(),
            body_limit: 256 * 1024,
        }
    }

    /// Where browsers see the pages, if that is not where the router was nested: behind a proxy that takes a part of
    /// the path away.
    #[must_use]
    pub fn base_path(self, base_path: impl Fn(&Parts) -> String + Send + Sync + 'static) -> Self {
        Self { base_path: Some(Arc::new(base_path)), ..self }
    }

    /// In the host's own layout.
    #[must_use]
    pub fn layout(self, layout: impl Layout) -> Self {
        Self { layout: Arc::new(layout), ..self }
    }

    /// Under other names.
    #[must_use]
    pub fn names(self, names: Names) -> Self {
        Self { names, ..self }
    }

    /// In the reader's language.
    #[must_use]
    pub fn language(self, language: impl Fn(&Parts) -> Language + Send + Sync + 'static) -> Self {
        Self { language: Arc::new(language), ..self }
    }

    /// With style sheets of the host's after the pages' own, which set the custom properties of `.og`, or anything.
    #[must_use]
    pub fn add_styles(self, urls: impl IntoIterator<Item = String>) -> Self {
        Self { styles: urls.into_iter().collect(), ..self }
    }

    /// With style sheets of the host's in place of the pages' own.
    #[must_use]
    pub fn replace_styles(self, urls: impl IntoIterator<Item = String>) -> Self {
        Self { own_style: false, ..self.add_styles(urls) }
    }

    /// Also for posts from this origin, such as `https://admin.example.com`. Without any, only the pages' own may post.
    #[must_use]
    pub fn trust_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted_origins.push(origin.into());
        self
    }

    /// With another limit for what is posted; 256 KiB without one.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }
}

impl<P: Policy> fmt::Debug for PagesOptions<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagesOptions").field("names", &self.names).field("styles", &self.styles).finish_non_exhaustive()
    }
}
