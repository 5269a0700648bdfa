//! What becomes of a delivery after an attempt: values in, values out.

use std::time::Duration;

use crate::{SendError, Sent};

/// How long and how often a delivery is tried.
///
/// The wait after the n-th failure grows from `first` by `factor` up to `cap`; a part of it is left to chance. A
/// delivery is given up after `attempts` of them, or at its first failure once it is older than `max_age`: so the
/// queue behind a service that is gone for good drains at one attempt each instead of standing for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryPolicy {
    /// The wait after the first failure.
    pub first: Duration,
    /// What each wait is multiplied with to give the next.
    pub factor: f64,
    /// The longest wait, also one that the other side asks for.
    pub cap: Duration,
    /// The share of each wait, from 0 to 1, that is left to chance.
    pub jitter: f64,
    /// How many attempts a delivery has in all.
    pub attempts: u32,
    /// How old a delivery may be to be tried again.
    pub max_age: Duration,
    /// How long one attempt may take.
    pub timeout: Duration,
}

impl Default for DeliveryPolicy {
    /// 5 s, tripled up to 6 h, a fifth of it by chance, 12 attempts, at most 3 days; 30 s for an attempt.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            factor: 3.0,
            cap: Duration::from_secs(6 * 60 * 60),
            jitter: 0.2,
            attempts: 12,
            max_age: Duration::from_secs(3 * 24 * 60 * 60),
            timeout: Duration::from_secs(30),
        }
    }
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrived.
    Delivered,
    /// It is tried again this much later; its queue waits with it.
    Again { after: Duration },
    /// It is given up: kept as a dead letter.
    Dead,
    /// Its configuration is switched off, and it waits for that to change.
    SwitchOff,
}

impl DeliveryPolicy {
    /// The wait after the `attempt`-th failure, counted from 1. `chance`, from 0 to 1, says how much of the jitter is
    /// taken off.
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let full = (self.first.as_secs_f64() * self.factor.powi(exponent)).min(self.cap.as_secs_f64());
        Duration::try_from_secs_f64(full * (1.0 - self.jitter * chance.clamp(0.0, 1.0))).unwrap_or(self.cap)
    }

    /// What the outcome of the `attempt`-th attempt means for a delivery that has existed for `age`.
    pub(crate) fn fate(&self, outcome: &Result<Sent, SendError>, attempt: u32, age: Duration, chance: f64) -> Fate {
        let asked = match outcome {
            Ok(_) => return Fate::Delivered,
            Err(SendError::Refused { .. }) => return Fate::Dead,
            Err(SendError::Broken { .. }) => return Fate::SwitchOff,
            Err(SendError::Retry { after, .. }) => *after,
        };
        let delay = self.delay(attempt, chance);
        // A service that says "now" while it fails is not asked sooner than any other.
        let after = asked.map_or(delay, |asked| asked.clamp(self.first.min(delay), self.cap));
        if attempt >= self.attempts || age.saturating_add(after) > self.max_age {
            Fate::Dead
        } else {
            Fate::Again { after }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YOUNG: Duration = Duration::ZERO;

    fn policy() -> DeliveryPolicy {
        DeliveryPolicy::default()
    }

    fn retry(after: Option<u64>) -> Result<Sent, SendError> {
        Err(SendError::Retry { reason: "busy".into(), after: after.map(Duration::from_secs) })
    }

    #[track_caller]
    fn check(outcome: Result<Sent, SendError>, attempt: u32, age: Duration, expected: Fate) {
        assert_eq!(policy().fate(&outcome, attempt, age, 0.0), expected);
    }

    fn again(seconds: u64) -> Fate {
        Fate::Again { after: Duration::from_secs(seconds) }
    }

    #[test]
    fn each_answer_has_its_fate() {
        check(Ok(Sent::default()), 12, policy().max_age, Fate::Delivered);
        check(Err(SendError::refused("no")), 1, YOUNG, Fate::Dead);
        check(Err(SendError::broken("gone")), 1, YOUNG, Fate::SwitchOff);
        check(retry(None), 1, YOUNG, again(5));
        check(retry(None), 2, YOUNG, again(15));
        check(retry(None), 11, YOUNG, again(6 * 60 * 60));
        check(retry(None), 12, YOUNG, Fate::Dead);
        check(retry(None), u32::MAX, YOUNG, Fate::Dead);
    }

    #[test]
    fn what_the_other_side_asks_for_is_kept_within_limits() {
        check(retry(Some(120)), 1, YOUNG, again(120));
        check(retry(Some(0)), 1, YOUNG, again(5));
        check(retry(Some(1)), 4, YOUNG, again(5));
        check(retry(Some(365 * 24 * 60 * 60)), 1, YOUNG, again(6 * 60 * 60));
    }

    #[test]
    fn an_old_delivery_is_given_up_at_its_first_failure() {
        check(retry(None), 1, policy().max_age, Fate::Dead);
        check(retry(None), 1, policy().max_age - Duration::from_secs(5), again(5));
        check(retry(Some(60)), 1, policy().max_age - Duration::from_secs(5), Fate::Dead);
    }

    #[test]
    fn chance_only_ever_shortens_a_wait() {
        for attempt in [0, 1, 5, 40, u32::MAX] {
            for chance in [0.0, 0.3, 1.0, 7.0, -1.0, f64::NAN] {
                let (least, most) = (policy().delay(attempt, 1.0), policy().delay(attempt, 0.0));
                let delay = policy().delay(attempt, chance);
                assert!(chance.is_nan() || (least <= delay && delay <= most), "{attempt} {chance}: {delay:?}");
                assert!(delay <= policy().cap);
            }
        }
    }
}
