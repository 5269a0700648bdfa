//! Rate limits: requests per token, or per address where there is none; sign-ins per user. Each node counts for itself.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;

use crate::config::Config;
use crate::error::{ApiResult, too_many_requests};

/// Keys that were idle are forgotten for the first time when so many have gathered.
const FORGET_ABOVE: usize = 10_000;
/// Longer names are counted as what they start with.
const MAX_KEY_CHARS: usize = 254;

pub(crate) struct Limits {
    requests: Limit,
    addresses: Limit,
    logins: Limit,
}

struct Limit {
    limiter: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
    per_minute: NonZeroU32,
    /// Twice as many as were there after the last forgetting, so that it costs little for each request.
    forget_above: AtomicUsize,
}

impl Limits {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            requests: Limit::new(config.requests_per_minute),
            addresses: Limit::new(config.requests_per_minute),
            logins: Limit::new(config.logins_per_minute),
        }
    }

    /// Counts a request with this token, or to this build hook.
    pub(crate) fn check_request(&self, token: &str, now: Timestamp) -> ApiResult<()> {
        self.requests.check(token, now, "too many requests with this token")
    }

    /// Counts a request that comes without a valid token from here.
    pub(crate) fn check_address(&self, address: &str, now: Timestamp) -> ApiResult<()> {
        self.addresses.check(address, now, "too many requests without a valid token from this address")
    }

    /// Counts an attempt to sign in as this user.
    pub(crate) fn check_login(&self, email: &str, now: Timestamp) -> ApiResult<()> {
        self.logins.check(&email.to_lowercase(), now, "too many attempts to sign in as this user")
    }
}

impl Limit {
    fn new(per_minute: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        Self {
            limiter: RateLimiter::keyed(Quota::per_minute(per_minute)),
            clock: DefaultClock::default(),
            per_minute,
            forget_above: AtomicUsize::new(FORGET_ABOVE),
        }
    }

    fn check(&self, key: &str, now: Timestamp, what: &str) -> ApiResult<()> {
        if self.limiter.len() > self.forget_above.load(Ordering::Relaxed) {
            self.limiter.retain_recent();
            self.forget_above.store(FORGET_ABOVE.max(self.limiter.len() * 2), Ordering::Relaxed);
        }
        let key: String = key.chars().take(MAX_KEY_CHARS).collect();
        let Err(not_until) = self.limiter.check_key(&key) else { return Ok(()) };
        let seconds = not_until.wait_time_from(self.clock.now()).as_secs() + 1;
        Err(too_many_requests(what, self.per_minute.get(), seconds, now))
    }
}
