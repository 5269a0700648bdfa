//! Typed ids. All are UUID v7 inside, so they sort by age. Sites and instances show the bare UUID, because
//! Netlify-compatible clients expect one; the others carry a prefix that says what they name.

use std::fmt;
use std::str::FromStr;

use outrigger_db::{Clock, Entropy, uuid_v7};
use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is no id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidId {
    text: String,
    expected: &'static str,
}

macro_rules! id_type {
    ($name:ident, $what:literal, $to_text:expr, $is_valid:expr) => {
        #[doc = concat!("Names ", $what, ".")]
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, DeriveValueType)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id, sortable after all that were made earlier.
            pub fn generate(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
                let to_text: fn(Uuid) -> String = $to_text;
                Self(to_text(uuid_v7(clock, entropy)))
            }

            /// The text form, as stored and as shown.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// SeaORM asks this of every primary key, for databases that count their rows.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { text: text.chars().take(64).collect(), expected: $what })
                }
            }
        }
    };
}

macro_rules! prefixed_id {
    ($name:ident, $prefix:literal, $what:literal) => {
        id_type!($name, $what, |uuid| format!(concat!($prefix, "_{}"), uuid.simple()), |text| {
            text.strip_prefix(concat!($prefix, "_"))
                .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
        });
    };
}

macro_rules! uuid_id {
    ($name:ident, $what:literal) => {
        id_type!($name, $what, |uuid| uuid.to_string(), |text| text.len() == 36 && Uuid::try_parse(text).is_ok());

        impl $name {
            /// The same id as a UUID value.
            pub fn uuid(&self) -> Uuid {
                Uuid::try_parse(&self.0).expect("only UUID texts are ever stored in this type")
            }
        }
    };
}

prefixed_id!(AccountId, "acct", "an account id");
prefixed_id!(UserId, "user", "a user id");
prefixed_id!(TokenId, "tok", "a token id");
prefixed_id!(SessionId, "sess", "a session id");
prefixed_id!(AddonId, "addon", "an add-on id");
prefixed_id!(AddonSecretId, "asec", "an add-on secret id");
prefixed_id!(EnvVarId, "env", "a variable id");
prefixed_id!(EnvValueId, "envv", "a variable value id");
prefixed_id!(SnippetId, "snip", "a snippet id");
prefixed_id!(DeliveryId, "msg", "a delivery id");
prefixed_id!(AttemptId, "att", "a delivery attempt id");
uuid_id!(SiteId, "a site id (a UUID)");
uuid_id!(InstanceId, "an instance id (a UUID)");

#[cfg(test)]
mod tests {
    use outrigger_db::{ManualClock, SeededEntropy};

    use super::*;

    #[test]
    fn ids_sort_by_age_and_parse_back() {
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let entropy = SeededEntropy::new(1);
        let first = AccountId::generate(&clock, &entropy);
        clock.advance(std::time::Duration::from_millis(1));
        let second = AccountId::generate(&clock, &entropy);
        assert!(first < second);
        assert_eq!(first.to_string().parse::<AccountId>().unwrap(), first);
        assert!(first.as_str().parse::<UserId>().is_err(), "an account id is no user id");
        assert!("../../etc".parse::<SiteId>().is_err());
        let site = SiteId::generate(&clock, &entropy);
        assert_eq!(site.uuid().to_string(), site.as_str());
    }
}
