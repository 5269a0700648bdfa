//! The keys of sealed records, as a running process holds them.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use crate::{Entropy, KeyError, KeyRing, SealError};

/// A key ring that reads its file again when another process has changed it, or when it meets a record of a key that it
/// does not know: somebody has rotated.
#[derive(Debug)]
pub struct Keys {
    held: RwLock<Held>,
    file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
struct Held {
    ring: KeyRing,
    /// When the file that it was read from had been written.
    written: Option<SystemTime>,
}

impl Keys {
    /// Keys that never change while the process runs (from an environment variable, or in a test).
    pub fn fixed(ring: KeyRing) -> Self {
        Self { held: RwLock::new(Held { ring, written: None }), file: None }
    }

    /// Keys of a file.
    ///
    /// # Errors
    /// As [`KeyRing::load`].
    pub fn of_file(file: PathBuf) -> Result<Self, KeyError> {
        // Asked before it is read: a file that is replaced in between is read once more.
        let written = written_at(&file);
        let ring = KeyRing::load(&file)?;
        Ok(Self { held: RwLock::new(Held { ring, written }), file: Some(file) })
    }

    /// The ring as it is now.
    pub fn ring(&self) -> KeyRing {
        self.held.read().unwrap_or_else(PoisonError::into_inner).ring.clone()
    }

    /// Seals with the newest key of the file, so that an old one can be dropped once all records have been moved.
    pub fn seal(&self, plain: &str, context: &str, entropy: &dyn Entropy) -> String {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).written;
        if self.file.as_ref().is_some_and(|file| written_at(file) != held) {
            self.reload();
        }
        self.ring().seal(plain.as_bytes(), context, entropy)
    }

    /// Opens what was sealed for the same `context`, reading the file again if the key is not known.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn open(&self, sealed: &str, context: &str) -> Result<String, SealError> {
        let opened = match self.ring().open(sealed, context) {
            Err(SealError::UnknownKey { .. }) if self.file.is_some() => {
                self.reload();
                self.ring().open(sealed, context)
            }
            opened => opened,
        }?;
        // What was sealed was a `str`; anything else would not have passed the authentication tag.
        Ok(String::from_utf8_lossy(&opened).into_owned())
    }

    /// A file that is missing or damaged for a moment changes nothing.
    fn reload(&self) {
        let Some(file) = &self.file else { return };
        let written = written_at(file);
        if let Ok(ring) = KeyRing::load(file) {
            *self.held.write().unwrap_or_else(PoisonError::into_inner) = Held { ring, written };
        }
    }
}

fn written_at(file: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|data| data.modified()).ok()
}
