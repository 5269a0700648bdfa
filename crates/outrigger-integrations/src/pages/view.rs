//! Small things that several pages show.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::say::Say;

/// The picture of an integration, or a tile with its first letter.
#[derive(Clone, Debug)]
pub(super) struct IconView {
    pub(super) picture: Option<String>,
    pub(super) letter: String,
    pub(super) hue: u8,
    pub(super) big: bool,
}

impl IconView {
    pub(super) fn new(picture: Option<String>, name: &str, id: &str) -> Self {
        let letter = name.chars().find(|letter| letter.is_alphanumeric()).unwrap_or('?');
        // The same colour each time, and not by the name, which people may translate.
        let hue = id.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % 8 + 1;
        Self { picture, letter: letter.to_uppercase().collect(), hue: u8::try_from(hue).unwrap_or(1), big: false }
    }

    pub(super) fn big(self) -> Self {
        Self { big: true, ..self }
    }
}

/// A state: a word, a colour and perhaps why.
#[derive(Clone, Debug)]
pub(super) struct StateView {
    /// `on`, `off`, `failed` or `warned`: the end of a class of the style sheet.
    pub(super) class: &'static str,
    pub(super) label: String,
    pub(super) why: Option<String>,
}

impl StateView {
    pub(super) fn new(class: &'static str, label: impl Into<String>) -> Self {
        Self { class, label: label.into(), why: None }
    }

    pub(super) fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }
}

/// A moment, as machines and as people read it.
#[derive(Clone, Debug)]
pub(super) struct When {
    pub(super) iso: String,
    pub(super) text: String,
    pub(super) full: String,
}

impl When {
    pub(super) fn new(at: Timestamp, now: Timestamp, say: Say<'_>) -> Self {
        let utc = at.to_zoned(TimeZone::UTC);
        let full = utc.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        let seconds = now.as_second() - at.as_second();
        let text = match seconds {
            ..60 => say.t("just now").into_owned(),
            60..3_600 => say.with("{n} min ago", &[("n", &(seconds / 60).to_string())]),
            3_600..86_400 => say.with("{n} h ago", &[("n", &(seconds / 3_600).to_string())]),
            86_400..2_592_000 => say.count("1 day ago", "{n} days ago", seconds / 86_400),
            _ => utc.strftime("%Y-%m-%d").to_string(),
        };
        Self { iso: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), text, full }
    }
}

/// What just happened, said once above the page.
pub(super) struct Notice {
    pub(super) class: &'static str,
    pub(super) text: String,
    /// Where it is undone.
    pub(super) undo: Option<String>,
}

/// A value of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OptionView {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) selected: bool,
}

/// A button that switches a configuration.
pub(super) struct Switch {
    pub(super) url: String,
    pub(super) to: bool,
    pub(super) label: String,
}

/// What stands above everything about one configuration.
pub(super) struct Head {
    pub(super) icon: IconView,
    pub(super) title: String,
    /// The last of the crumbs.
    pub(super) crumb: String,
    pub(super) is_new: bool,
    pub(super) summary: String,
    pub(super) docs_url: Option<&'static str>,
    pub(super) state: Option<StateView>,
    pub(super) switch: Option<Switch>,
}

/// One of the tabs of a configuration.
pub(super) struct Tab {
    pub(super) url: String,
    pub(super) label: String,
    pub(super) here: bool,
}

/// What came of a test.
pub(super) struct ReportView {
    pub(super) class: &'static str,
    pub(super) title: String,
    pub(super) findings: Vec<FindingView>,
}

pub(super) struct FindingView {
    pub(super) class: &'static str,
    pub(super) mark: &'static str,
    pub(super) state: String,
    pub(super) text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Untranslated;

    #[test]
    fn moments_are_told_by_their_distance() {
        let now: Timestamp = "2026-05-04T12:00:00Z".parse().unwrap();
        let told = |at: &str| When::new(at.parse().unwrap(), now, Say::new(&Untranslated)).text;
        assert_eq!(told("2026-05-04T11:59:30Z"), "just now");
        assert_eq!(told("2026-05-04T12:00:05Z"), "just now", "clocks differ");
        assert_eq!(told("2026-05-04T11:57:00Z"), "3 min ago");
        assert_eq!(told("2026-05-04T09:00:00Z"), "3 h ago");
        assert_eq!(told("2026-05-03T11:00:00Z"), "1 day ago");
        assert_eq!(told("2026-03-04T09:00:00Z"), "2026-03-04");
    }

    #[test]
    fn a_tile_has_a_letter_whatever_the_name() {
        assert_eq!(IconView::new(None, "  “éclair”", "a.b").letter, "É");
        assert_eq!(IconView::new(None, "…", "a.b").letter, "?");
    }
}
