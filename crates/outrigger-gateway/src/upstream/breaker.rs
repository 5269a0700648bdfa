//! Stops asking a server that cannot be reached, and asks again after a while.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which the server is left alone.
const FAILURES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Closed while the server answers. Counts connections that could not be made and answers that did not come; whatever
/// the server does answer, be it an error, is a sign of life.
#[derive(Debug)]
pub(crate) struct Breaker {
    begin: Instant,
    failures: AtomicU32,
    /// Milliseconds from `begin` until which nothing is sent.
    open_until: AtomicU64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { begin: Instant::now(), failures: AtomicU32::new(0), open_until: AtomicU64::new(0) }
    }
}

impl Breaker {
    /// Whether a request may be sent; after a pause one may, to see whether the server is back.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        if self.failures.load(Ordering::Relaxed) < FAILURES {
            return true;
        }
        let now = self.since_begin(now);
        let until = self.open_until.load(Ordering::Relaxed);
        let next = now + millis(FIRST_PAUSE);
        now >= until && self.open_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn failed(&self, now: Instant) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if let Some(over) = failures.checked_sub(FAILURES) {
            let pause = FIRST_PAUSE.saturating_mul(1 << over.min(8)).min(LONGEST_PAUSE);
            self.open_until.store(self.since_begin(now) + millis(pause), Ordering::Relaxed);
        }
    }

    fn since_begin(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.begin))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_through_after_each_pause() {
        let breaker = Breaker::default();
        let at = |pauses: u32| breaker.begin + FIRST_PAUSE * pauses;
        for _ in 1..FAILURES {
            breaker.failed(at(0));
        }
        breaker.succeeded();
        for _ in 0..FAILURES {
            assert!(breaker.allows(at(0)));
            breaker.failed(at(0));
        }
        assert!(!breaker.allows(at(0)));
        assert!(breaker.allows(at(1)));
        assert!(!breaker.allows(at(1)), "one is enough to see");
        breaker.failed(at(1));
        assert!(!breaker.allows(at(2)), "the second pause is longer");
        assert!(breaker.allows(at(3)));
        breaker.succeeded();
        assert!(breaker.allows(at(3)) && breaker.allows(at(3)));
    }
}
