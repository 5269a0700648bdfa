//! Step 5: the pages on which people configure integrations.

// [guide: policy]
use axum::Router;
use http::request::Parts;
use outrigger_integrations::pages::{self, Action, Decision, PagesOptions, Policy, ScopeFrom, Stranger, Subject};
use outrigger_integrations::{Actor, Manager, Scope};

use crate::host::Board;
use crate::people::Person;

/// Who may do what: what concerns everybody is for administrators, what concerns a person for that person.
#[derive(Clone, Copy)]
pub struct BoardPolicy;

impl Policy for BoardPolicy {
    type Principal = Person;

    async fn principal(&self, parts: &Parts) -> Result<Person, Stranger> {
        // The board's own middleware has looked at the cookie.
        parts.extensions.get::<Person>().cloned().ok_or_else(|| Stranger::Redirect("/sign-in".into()))
    }

    fn actor(&self, person: &Person) -> Actor {
        Actor::new(&person.id, &person.name)
    }

    async fn decide(&self, person: &Person, _: Action, on: &Subject<'_>) -> Decision {
        match on.scope {
            Scope::System if person.admin => Decision::Allow,
            Scope::User(id) if **id == *person.id => Decision::Allow,
            Scope::System => Decision::Deny,
            _ => Decision::Hide,
        }
    }
}
// [end]

// [guide: mount]
/// The pages, once for administrators and once for each person.
pub fn router(manager: &Manager<Board>) -> Router {
    let system = PagesOptions::new(BoardPolicy, ScopeFrom::fixed(Scope::System)).layout(BoardLayout);
    let own = ScopeFrom::request(|_, person: &Person| Some(Scope::User(person.id.as_str().into())));
    let own = PagesOptions::new(BoardPolicy, own).layout(BoardLayout).names(my_names());
    Router::new()
        .nest("/admin/integrations", pages::router(manager.clone(), system))
        .nest("/my/integrations", pages::router(manager.clone(), own))
}
// [end]

// [guide: layout]
use outrigger_integrations::Text;
use outrigger_integrations::pages::{Layout, Names, Page};

use crate::web::document;

/// Puts the board's own head and navigation around the pages.
#[derive(Clone, Copy)]
pub struct BoardLayout;

impl Layout for BoardLayout {
    fn wrap(&self, page: &Page<'_>, parts: &Parts) -> String {
        document(page.title, parts.extensions.get::<Person>(), page.styles, page.scripts, page.body)
    }
}

fn my_names() -> Names {
    Names { list: Text::plain("My integrations"), intro: Some(Text::plain("They hear of your own reviews.")) }
}
// [end]
