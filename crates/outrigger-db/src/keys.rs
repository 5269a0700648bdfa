//! The keys of sealed records, as a running process holds them.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use crate::{Entropy, KeyError, KeyRing, SealError};

/// A key ring that reads its file again when it meets a record of a key it does not know: another process has rotated.
#[derive(Debug)]
pub struct Keys {
    ring: RwLock<KeyRing>,
    file: Option<PathBuf>,
}

impl Keys {
    /// Keys that never change while the process runs (from an environment variable, or in a test).
    pub fn fixed(ring: KeyRing) -> Self {
        Self { ring: RwLock::new(ring), file: None }
    }

    /// Keys of a file.
    ///
    /// # Errors
    /// As [`KeyRing::load`].
    pub fn of_file(file: PathBuf) -> Result<Self, KeyError> {
        Ok(Self { ring: RwLock::new(KeyRing::load(&file)?), file: Some(file) })
    }

    /// The ring as it is now.
    pub fn ring(&self) -> KeyRing {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seals with the newest key, as [`KeyRing::seal`].
    pub fn seal(&self, plain: &str, context: &str, entropy: &dyn Entropy) -> String {
        self.ring().seal(plain.as_bytes(), context, entropy)
    }

    /// Opens what was sealed for the same `context`, reading the file again if the key is not known.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn open(&self, sealed: &str, context: &str) -> Result<String, SealError> {
        let opened = match (self.ring().open(sealed, context), &self.file) {
            (Err(SealError::UnknownKey { .. }), Some(file)) => {
                if let Ok(ring) = KeyRing::load(file) {
                    *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
                }
                self.ring().open(sealed, context)
            }
            (opened, _) => opened,
        }?;
        // What was sealed was a `str`; anything else would not have passed the authentication tag.
        Ok(String::from_utf8_lossy(&opened).into_owned())
    }
}
