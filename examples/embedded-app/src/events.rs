//! Step 2: what happens on the board.

// [guide: events]
use outrigger_integrations::{Event, Scope};
use serde::{Deserialize, Serialize};

use crate::host::{Board, ReviewFacts};
use crate::reviews::Review;

/// Somebody asked for a review.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReviewOpened {
    pub review: Review,
}

impl Event<Board> for ReviewOpened {
    const NAME: &'static str = "review.opened";

    fn scopes(&self) -> Vec<Scope> {
        heard_by(&self.review)
    }

    fn facts(&self) -> ReviewFacts {
        self.review.facts()
    }
}

/// Configurations of the whole board hear of every review, those of a person of that person's reviews.
fn heard_by(review: &Review) -> Vec<Scope> {
    vec![Scope::System, Scope::User(review.author.as_str().into())]
}
// [end]

/// Somebody approved a review.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReviewApproved {
    pub review: Review,
    /// Who did.
    pub by: String,
}

impl Event<Board> for ReviewApproved {
    const NAME: &'static str = "review.approved";

    fn scopes(&self) -> Vec<Scope> {
        heard_by(&self.review)
    }

    fn facts(&self) -> ReviewFacts {
        self.review.facts()
    }
}
