//! Rate limits: requests per token, sign-ins per address. Each node counts for itself.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::Config;
use crate::error::{ApiError, ApiResult};

/// Keys that were idle are forgotten each time so many have gathered.
const FORGET_ABOVE: usize = 10_000;

pub(crate) struct Limits {
    requests: DefaultKeyedRateLimiter<String>,
    logins: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(config: &Config) -> Self {
        let per_minute = |n: u32| Quota::per_minute(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        Self {
            requests: RateLimiter::keyed(per_minute(config.requests_per_minute)),
            logins: RateLimiter::keyed(per_minute(config.logins_per_minute)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of this token.
    pub(crate) fn check_request(&self, token: &str) -> ApiResult<()> {
        self.check(&self.requests, token, "too many requests with this token")
    }

    /// Counts an attempt to sign in as this address.
    pub(crate) fn check_login(&self, email: &str) -> ApiResult<()> {
        self.check(&self.logins, &email.to_lowercase(), "too many attempts to sign in as this user")
    }

    fn check(&self, limiter: &DefaultKeyedRateLimiter<String>, key: &str, what: &str) -> ApiResult<()> {
        if limiter.len() > FORGET_ABOVE {
            limiter.retain_recent();
        }
        let Err(not_until) = limiter.check_key(&key.to_owned()) else { return Ok(()) };
        let seconds = not_until.wait_time_from(self.clock.now()).as_secs() + 1;
        let message = format!("{what}; try again in {seconds} s");
        Err(ApiError::new(http::StatusCode::TOO_MANY_REQUESTS, message).retry_after(seconds))
    }
}
