//! Randomness as an argument, and what is made of it.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Clock;

/// Where random bytes come from.
pub trait Entropy: Send + Sync + Debug + 'static {
    /// Overwrites all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The randomness of the operating system, fit for keys and tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where randomness is drawn")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("without the system's randomness no key or token may be made");
    }
}

/// The same bytes for the same seed, each time: for tests only.
///
/// ```
/// use outrigger_db::{SeededEntropy, token};
/// assert_eq!(token(&SeededEntropy::new(7)), token(&SeededEntropy::new(7)));
/// let entropy = SeededEntropy::new(7);
/// assert_ne!(token(&entropy), token(&entropy));
/// ```
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    block: AtomicU64,
}

impl SeededEntropy {
    /// The sequence that belongs to `seed`, from its beginning.
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy { seed, block: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = self.block.fetch_add(1, Ordering::Relaxed);
            let hash = Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(block.to_be_bytes()).finalize();
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

/// A version 7 UUID (RFC 9562): sorts by the time at which it was made, to a quarter of a microsecond, so that rows which
/// one transaction writes one after the other keep their order.
pub fn uuid_v7(clock: &dyn Clock, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let now = clock.now();
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    // The twelve bits behind the millisecond hold its fraction (section 6.2, method 3); the version goes over the rest.
    let fraction = now.subsec_nanosecond().unsigned_abs() % 1_000_000 * 4096 / 1_000_000;
    let [_, _, high, low] = fraction.to_be_bytes();
    random[..2].copy_from_slice(&[high, low]);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// A secret that cannot be guessed: 32 random bytes as 43 characters of base64url without padding.
pub fn token(entropy: &dyn Entropy) -> String {
    let mut random = [0; 32];
    entropy.fill(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;
    use std::time::Duration;

    #[test]
    fn uuids_sort_by_time_and_say_their_version() {
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let early = uuid_v7(&clock, &SystemEntropy);
        clock.advance(Duration::from_millis(1));
        let late = uuid_v7(&clock, &SystemEntropy);
        assert!(early < late);
        assert_eq!(early.get_version_num(), 7);
        clock.advance(Duration::from_nanos(250));
        let later = uuid_v7(&clock, &SystemEntropy);
        clock.advance(Duration::from_nanos(999_000));
        assert!(late < later && later < uuid_v7(&clock, &SystemEntropy), "also within a millisecond");
    }

    #[test]
    fn system_entropy_does_not_repeat() {
        assert_ne!(token(&SystemEntropy), token(&SystemEntropy));
        assert_eq!(token(&SystemEntropy).len(), 43);
    }

    #[test]
    fn seeded_entropy_fills_every_length() {
        for length in [0, 1, 31, 32, 33, 100] {
            let mut bytes = vec![0; length];
            SeededEntropy::new(1).fill(&mut bytes);
            assert!(length < 31 || bytes.iter().any(|byte| *byte != 0));
        }
    }
}
