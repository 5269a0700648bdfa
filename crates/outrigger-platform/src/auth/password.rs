//! Passwords: argon2id with the crate's recommended cost. Hashing takes tens of milliseconds and 19 MiB, so it runs
//! beside the async threads and only a few at once.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use outrigger_db::Entropy;
use tokio::sync::Semaphore;

/// Shortest password that is accepted (NIST SP 800-63B, section 3.1.1.2, asks for at least 8).
const MIN_CHARACTERS: usize = 10;
const MAX_BYTES: usize = 512;
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Hashes a new password. The error says what is wrong with the password.
pub(crate) async fn hash_password(password: &str, entropy: &dyn Entropy) -> anyhow::Result<String> {
    anyhow::ensure!(password.chars().count() >= MIN_CHARACTERS, "a password has at least {MIN_CHARACTERS} characters");
    anyhow::ensure!(password.len() <= MAX_BYTES, "a password has at most {MAX_BYTES} bytes");
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let password = password.to_owned();
    let _turn = AT_ONCE.acquire().await?;
    let hash = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string())
    });
    hash.await?.map_err(|error| anyhow::anyhow!("hashing failed: {error}"))
}

/// Whether the password is the one that was hashed. Without a hash it takes as long and says no, so that the answer's
/// time does not tell who has an account.
pub(crate) async fn verify_password(password: &str, hash: Option<&str>) -> anyhow::Result<bool> {
    /// Of a random password that nobody knows.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$3rGyCTkAR6bmZ1HJl5VqeGM8r2SfW2Hj4tRcHLZBvCw";
    let known = hash.is_some();
    let (password, hash) = (password.to_owned(), hash.unwrap_or(NOBODY).to_owned());
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    let _turn = AT_ONCE.acquire().await?;
    let matches = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    Ok(matches.await? && known)
}

#[cfg(test)]
mod tests {
    use outrigger_db::SeededEntropy;

    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let entropy = SeededEntropy::new(7);
        let hash = hash_password("correct horse", &entropy).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(verify_password("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify_password("wrong horse", Some(&hash)).await.unwrap());
        assert!(!verify_password("correct horse", None).await.unwrap());
        assert!(!verify_password("correct horse", Some("no hash")).await.unwrap());
    }

    #[tokio::test]
    async fn a_short_password_is_refused_with_the_rule() {
        let fault = hash_password("short", &SeededEntropy::new(7)).await.unwrap_err();
        assert!(fault.to_string().contains("at least 10"), "{fault}");
    }
}
