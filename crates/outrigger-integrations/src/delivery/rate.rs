//! How fast a configuration's messages may go out: one number in the store, no sleeping.

use std::time::Duration;

/// So many messages in so much time, for each configuration on its own. They may go out in one burst; after that they
/// are spread evenly, so that no period has more than a burst and what is due in it.
///
/// ```
/// use outrigger_integrations::RateLimit;
/// use std::time::Duration;
///
/// let limit = RateLimit::new(30, Duration::from_secs(60));
/// # let _ = limit;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    messages: u32,
    per: Duration,
}

impl RateLimit {
    /// `messages` (at least one) at once, and as many in each period of this length.
    pub const fn new(messages: u32, per: Duration) -> Self {
        Self { messages: if messages == 0 { 1 } else { messages }, per }
    }

    /// Takes a place for a message. `busy_until` is what was stored at the last one: when the messages so far would
    /// all have gone if they were spread evenly (the generic cell rate algorithm). Times are Unix milliseconds.
    ///
    /// `Ok` is to be stored; `Err` is how long the message has to wait.
    pub(crate) fn take(self, busy_until: i64, now: i64) -> Result<i64, Duration> {
        let per = i64::try_from(self.per.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        let each = per / i64::from(self.messages);
        // A time further ahead than the limit can lead to was stored under another limit, or by another clock.
        let busy_until = busy_until.clamp(now, now.saturating_add(per));
        let next = busy_until.saturating_add(each);
        let wait = next.saturating_sub(now.saturating_add(per));
        match u64::try_from(wait) {
            Ok(wait) if wait > 0 => Err(Duration::from_millis(wait)),
            _ => Ok(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_is_spread() {
        let limit = RateLimit::new(3, Duration::from_secs(3));
        let mut busy_until = 0;
        for _ in 0..3 {
            busy_until = limit.take(busy_until, 10_000).unwrap();
        }
        assert_eq!(limit.take(busy_until, 10_000), Err(Duration::from_secs(1)));
        assert_eq!(limit.take(busy_until, 10_999), Err(Duration::from_millis(1)));
        busy_until = limit.take(busy_until, 11_000).unwrap();
        assert_eq!(limit.take(busy_until, 11_000), Err(Duration::from_secs(1)));
        // After a pause the whole burst is there again.
        for _ in 0..3 {
            busy_until = limit.take(busy_until, 60_000).unwrap();
        }
        assert!(limit.take(busy_until, 60_000).is_err());
    }

    #[test]
    fn no_period_ever_has_more_than_the_burst_and_what_is_due() {
        let (limit, mut busy_until, mut sent) = (RateLimit::new(5, Duration::from_secs(10)), 0, Vec::new());
        for now in (0..200_000_i64).step_by(70) {
            if let Ok(next) = limit.take(busy_until, now) {
                busy_until = next;
                sent.push(now);
            }
        }
        for start in &sent {
            let within = sent.iter().filter(|at| (*start..start + 10_000).contains(*at)).count();
            assert!(within <= 10, "{within} from {start}");
        }
        assert!((95..=106).contains(&sent.len()), "{}", sent.len());
    }

    #[test]
    fn a_stored_time_that_makes_no_sense_does_no_harm() {
        let limit = RateLimit::new(1, Duration::from_secs(1));
        assert_eq!(limit.take(i64::MAX, 0), Err(Duration::from_secs(1)));
        assert_eq!(limit.take(i64::MIN, 5_000), Ok(6_000));
        assert!(RateLimit::new(0, Duration::MAX).take(0, i64::MAX).is_ok());
    }
}
