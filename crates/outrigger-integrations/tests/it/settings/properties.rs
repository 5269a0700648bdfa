//! What holds for all input.

use outrigger_integrations::form::read_posted;
use proptest::prelude::*;

use super::*;

fn names() -> impl Strategy<Value = String> {
    let fields: Vec<_> = Chat::form().fields().map(|field| field.name.to_string()).collect();
    let part = "(\\.(amount|unit|clear|mode|0|1|99999999999999999999|0\\.key|0\\.value|1\\.key|1\\.fact|x|))?";
    (proptest::sample::select(fields), part).prop_map(|(field, part)| field + &part)
}

proptest! {
    #[test]
    fn no_post_panics(posted in proptest::collection::vec((names(), any::<String>()), 0..30), edit in any::<bool>()) {
        let existing = edit.then(least);
        let (values, faults) = read_posted(Chat::form(), &posted, existing.as_ref());
        if faults.is_empty() {
            prop_assert!(Chat::from_values(&values).is_ok());
        }
    }

    #[test]
    fn values_come_back_as_they_went(
        channel in proptest::option::of("#[a-z]{1,10}"),
        retries in 1_u8..=10,
        seconds in 0_u64..=86_400,
        loud in any::<bool>(),
        headers in proptest::collection::btree_map("[a-z]{1,5}", "[ -~]{0,10}", 0..5),
    ) {
        prop_assume!(!(loud && channel.as_deref() == Some("#quiet")));
        let mut before = least();
        before.extend(values(json!({
            "channel": channel, "retries": retries, "wait": seconds, "loud": loud, "headers": headers,
        })));
        let stored = Chat::from_values(&before).unwrap().to_values();
        for (name, value) in &before {
            prop_assert_eq!(&stored[name], value);
        }
        prop_assert_eq!(Chat::from_values(&stored).unwrap().to_values(), stored);
    }
}
