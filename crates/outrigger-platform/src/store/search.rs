//! Looking for a part of a text, in any case, with the same answer on both engines.
//!
//! SQLite's LIKE folds ASCII only and PostgreSQL's nothing, so both sides are folded here: what is searched is stored
//! folded, and the part is folded when it is looked for.

use sea_orm::sea_query::LikeExpr;

const ESCAPE: char = '\\';

/// The form in which texts are compared.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Matches what contains the part; its `%` and `_` stand for themselves.
pub(super) fn contains(part: &str) -> LikeExpr {
    let mut pattern = String::from("%");
    for c in folded(part).chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape(ESCAPE)
}
