//! Which attributes are for which kinds of fields. The derive asserts them when the settings are compiled.

use crate::settings::Kind;

pub const fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text)
}

pub const fn is_amount(kind: Kind) -> bool {
    matches!(kind, Kind::Amount)
}

pub const fn takes_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::TextList)
}

pub const fn takes_range(kind: Kind) -> bool {
    matches!(kind, Kind::Number | Kind::Amount)
}

pub const fn takes_length(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::TextList | Kind::List | Kind::KeyValue)
}

pub const fn default_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Parsed)
}

pub const fn default_number(kind: Kind) -> bool {
    matches!(kind, Kind::Number)
}

pub const fn default_bool(kind: Kind) -> bool {
    matches!(kind, Kind::Bool)
}

pub const fn default_list(kind: Kind) -> bool {
    matches!(kind, Kind::TextList | Kind::List)
}
