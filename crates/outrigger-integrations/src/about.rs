//! How an integration introduces itself.

use crate::{ScopeKind, Text};

/// What people see of an integration before they use it.
///
/// ```
/// use outrigger_integrations::{About, Icon, ScopeKind};
///
/// let about = About::new("Chat", "Posts to a channel when something happens.")
///     .icon(Icon::svg(r#"<svg viewBox="0 0 24 24"><circle cx="12" cy="12" r="10"/></svg>"#))
///     .scopes([ScopeKind::Account, ScopeKind::Site]);
/// assert!(about.offers(ScopeKind::Site));
/// assert!(!about.offers(ScopeKind::User));
/// ```
#[derive(Clone, Debug)]
pub struct About {
    /// Its name.
    pub name: Text,
    /// What it does, in a sentence.
    pub summary: Text,
    /// Its picture. Without one the pages show the first letter of its name.
    pub icon: Option<Icon>,
    /// In which scopes it can be configured; empty for all.
    pub scopes: Vec<ScopeKind>,
    /// Where people read more.
    pub docs_url: Option<&'static str>,
}

impl About {
    /// A name and a sentence.
    pub fn new(name: impl Into<Text>, summary: impl Into<Text>) -> Self {
        Self { name: name.into(), summary: summary.into(), icon: None, scopes: Vec::new(), docs_url: None }
    }

    /// With a picture.
    #[must_use]
    pub fn icon(self, icon: Icon) -> Self {
        Self { icon: Some(icon), ..self }
    }

    /// Only for configurations in these scopes.
    #[must_use]
    pub fn scopes(self, scopes: impl Into<Vec<ScopeKind>>) -> Self {
        Self { scopes: scopes.into(), ..self }
    }

    /// With an address where people read more.
    #[must_use]
    pub fn docs_url(self, url: &'static str) -> Self {
        Self { docs_url: Some(url), ..self }
    }

    /// Whether it can be configured in such a scope.
    pub fn offers(&self, kind: ScopeKind) -> bool {
        self.scopes.is_empty() || self.scopes.contains(&kind)
    }
}

/// A square picture, shown at 32 and 48 pixels.
#[derive(Clone, Debug)]
pub struct Icon {
    svg: &'static str,
}

impl Icon {
    /// A vector picture, sharp on every screen: the text of an SVG document of the program's own.
    pub const fn svg(svg: &'static str) -> Self {
        Self { svg }
    }

    /// The text of the document.
    pub fn as_svg(&self) -> &'static str {
        self.svg
    }
}
