//! Secrets at rest: sealed before they are stored, opened when they are used.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::Entropy;

const VERSION: &str = "v1";
const NONCE: usize = 24;

/// The master keys of an installation: the newest seals, all of them open.
///
/// What is sealed becomes text, `v1.<key id>.<base64url of nonce and ciphertext>`, made with XChaCha20-Poly1305. The
/// caller names the place where it will be stored (table, column and row); it only opens for the same place, so a
/// secret that somebody copied into another row stays shut.
///
/// Clones are cheap. `Debug` shows the ids of the keys, never the keys.
///
/// ```
/// use outrigger_db::{KeyRing, SystemEntropy};
///
/// let keys = KeyRing::generate(&SystemEntropy);
/// let sealed = keys.seal(b"hunter2", "addon/secret/7", &SystemEntropy);
/// assert_eq!(*keys.open(&sealed, "addon/secret/7")?, b"hunter2");
/// assert!(keys.open(&sealed, "addon/secret/8").is_err());
///
/// // Rotation: a new key seals from now on, and what the old one sealed is sealed anew, row by row.
/// let keys = keys.with_new_key(&SystemEntropy);
/// assert!(keys.needs_reseal(&sealed));
/// # Ok::<(), outrigger_db::SealError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    /// Oldest first; never empty.
    keys: Arc<Vec<Key>>,
}

#[derive(Clone)]
struct Key {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
}

impl Key {
    fn generate(entropy: &dyn Entropy) -> Key {
        let mut id = [0; 4];
        entropy.fill(&mut id);
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut());
        Key { id: format!("k{:08x}", u32::from_be_bytes(id)), bytes }
    }

    fn parse(line: &str, number: usize) -> Result<Key, KeyError> {
        let bad = KeyError::Line { number };
        let Some((id, text)) = line.split_once(char::is_whitespace) else { return Err(bad) };
        let is_id = (1..=32).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let decoded = STANDARD.decode(text.trim()).map(Zeroizing::new);
        match decoded.ok().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok()) {
            Some(bytes) if is_id => Ok(Key { id: id.into(), bytes: Zeroizing::new(bytes) }),
            _ => Err(bad),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("ids", &self.keys.iter().map(|key| &key.id).collect::<Vec<_>>()).finish()
    }
}

impl KeyRing {
    /// A ring with one new key.
    pub fn generate(entropy: &dyn Entropy) -> KeyRing {
        KeyRing { keys: Arc::new(vec![Key::generate(entropy)]) }
    }

    /// Reads what [`KeyRing::to_text`] writes: on each line an id (up to 32 letters, digits, `-`, `_`), a space and 32
    /// bytes in base64. The last line is the active key. Empty lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`KeyError`] names the line, never what is on it.
    pub fn parse(text: &str) -> Result<KeyRing, KeyError> {
        let mut keys: Vec<Key> = Vec::new();
        let lines = text.lines().map(str::trim).enumerate();
        for (index, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let key = Key::parse(line, index + 1)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(KeyError::Twice { id: key.id });
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(KeyError::Empty) } else { Ok(KeyRing { keys: Arc::new(keys) }) }
    }

    /// The text form, oldest key first.
    pub fn to_text(&self) -> SecretString {
        let mut text = String::from("# Master keys: what they seal is lost without them. The last one is in use.\n");
        for key in self.keys.iter() {
            text.push_str(&key.id);
            text.push(' ');
            text.push_str(&Zeroizing::new(STANDARD.encode(key.bytes.as_slice())));
            text.push('\n');
        }
        text.into()
    }

    /// This ring with one more key, which is the active one.
    #[must_use]
    pub fn with_new_key(&self, entropy: &dyn Entropy) -> KeyRing {
        let mut keys = Vec::clone(&self.keys);
        let mut new = Key::generate(entropy);
        while keys.iter().any(|key| key.id == new.id) {
            new = Key::generate(entropy);
        }
        keys.push(new);
        KeyRing { keys: Arc::new(keys) }
    }

    /// The active key alone: once everything has been sealed anew, the last step of a rotation.
    #[must_use]
    pub fn without_old_keys(&self) -> KeyRing {
        KeyRing { keys: Arc::new(vec![self.active().clone()]) }
    }

    /// The id of the key that seals.
    pub fn active_id(&self) -> &str {
        &self.active().id
    }

    fn active(&self) -> &Key {
        self.keys.last().expect("every constructor puts a key in")
    }

    /// Reads a ring from a file.
    ///
    /// # Errors
    /// When the file cannot be read, or as [`KeyRing::parse`].
    pub fn load(path: &Path) -> Result<KeyRing, KeyError> {
        let text = fs::read_to_string(path).map(Zeroizing::new);
        KeyRing::parse(&text.map_err(|source| KeyError::File { path: path.into(), source })?)
    }

    /// Writes the ring to a file that only its owner can read. Whatever happens, the file is either what it was or
    /// the whole ring, and when this returns it is on the disk.
    ///
    /// # Errors
    /// When the file, or its folder, cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        replace(path, secrecy::ExposeSecret::expose_secret(&self.to_text()).as_bytes())
            .map_err(|source| KeyError::File { path: path.into(), source })
    }

    /// Seals `plain` for the place that `context` names, such as `addon/secret/7`.
    pub fn seal(&self, plain: &[u8], context: &str, entropy: &dyn Entropy) -> String {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let key = self.active();
        let sealed = key
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context.as_bytes() })
            .expect("only a text of 256 GiB is too long to be sealed");
        format!("{VERSION}.{}.{}", key.id, URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed for the same `context`. What it gives is wiped when dropped.
    ///
    /// # Errors
    /// [`SealError`]: not a sealed text, sealed with a key that is not in the ring, or changed since, or moved here
    /// from elsewhere.
    pub fn open(&self, sealed: &str, context: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let format = || SealError::Format { context: context.into() };
        let (id, body) = split(sealed).ok_or_else(format)?;
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| SealError::UnknownKey { id: id.into(), context: context.into() })?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| format())?;
        let (nonce, msg) = body.split_first_chunk::<NONCE>().ok_or_else(format)?;
        key.cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad: context.as_bytes() })
            .map(Zeroizing::new)
            .map_err(|_| SealError::Damaged { context: context.into() })
    }

    /// Whether `sealed` was sealed with another key than the active one (or is no sealed text at all).
    pub fn needs_reseal(&self, sealed: &str) -> bool {
        split(sealed).is_none_or(|(id, _)| id != self.active_id())
    }
}

fn split(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = folder.join(format!(".{}.{}.new", name.display(), std::process::id()));
    let written = write_private(&new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // Best effort: the error that is told is the first one.
        let _ = fs::remove_file(&new);
    }
    written?;
    // The rename itself has to reach the disk too.
    File::open(folder)?.sync_all()
}

fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    // One that a crash left behind is of no use to anyone.
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Why a key ring could not be read or written. Never contains key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A line is not a key.
    #[error("line {number} of the key file is not a key: expected an id, a space and 32 bytes in base64")]
    Line {
        /// Counted from 1.
        number: usize,
    },
    /// Two keys have one id.
    #[error("the key file has two keys with the id `{id}`: remove or rename one")]
    Twice {
        /// That id.
        id: String,
    },
    /// There is no key.
    #[error("the key file has no key: make one, or restore the file from its backup")]
    Empty,
    /// The file cannot be read or written.
    #[error("the key file {} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a sealed secret stays shut. Never contains it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Not a sealed text.
    #[error("what is stored at `{context}` is not a sealed secret")]
    Format {
        /// Where it was to be opened.
        context: String,
    },
    /// Sealed with a key that is not in the ring.
    #[error("the secret at `{context}` is sealed with the key `{id}`, which is not in the key file: restore that key")]
    UnknownKey {
        /// The key that is missing.
        id: String,
        /// Where it was to be opened.
        context: String,
    },
    /// Changed since it was sealed, sealed for another place, or the key is not the one it was.
    #[error("the secret at `{context}` does not open: it was changed, or moved here, or its key was replaced")]
    Damaged {
        /// Where it was to be opened.
        context: String,
    },
}

#[cfg(test)]
mod tests;
