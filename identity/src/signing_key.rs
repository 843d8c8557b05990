//! The secret that access tokens are signed with: made at first start, kept in a file only its owner can read.

use secrecy::{ExposeSecret, SecretBox};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// 256 bits, as long as the digest.
const KEY_LENGTH: usize = 32;
const FILE_NAME: &str = "token-signing.key";

/// A 256-bit HMAC key.
#[derive(Debug)]
pub struct SigningKey(SecretBox<[u8; KEY_LENGTH]>);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    #[error("{path} cannot be read or written: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} must hold exactly {KEY_LENGTH} bytes")]
    Length { path: PathBuf },
    #[error("{path} must be readable by its owner only (chmod 600)")]
    Permissions { path: PathBuf },
    #[error("the operating system gave no random bytes")]
    Random,
}

impl SigningKey {
    /// Reads the key of a data directory, or makes it if there is none.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, SigningKeyError> {
        let path = data_dir.join(FILE_NAME);
        match File::open(&path) {
            Ok(file) => read(file, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(&path),
            Err(source) => Err(SigningKeyError::Io { path, source }),
        }
    }

    /// A key that lives as long as the process.
    pub fn random() -> Result<Self, SigningKeyError> {
        let mut bytes = [0u8; KEY_LENGTH];
        getrandom::fill(&mut bytes).map_err(|_| SigningKeyError::Random)?;
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

fn read(file: File, path: &Path) -> Result<SigningKey, SigningKeyError> {
    let io = |source| SigningKeyError::Io { path: path.to_owned(), source };
    let mode = file.metadata().map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SigningKeyError::Permissions { path: path.to_owned() });
    }
    let mut bytes = Vec::with_capacity(KEY_LENGTH + 1);
    file.take(KEY_LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    let key = <[u8; KEY_LENGTH]>::try_from(bytes);
    let key = key.map_err(|_| SigningKeyError::Length { path: path.to_owned() })?;
    Ok(SigningKey(SecretBox::new(Box::new(key))))
}

fn create(path: &Path) -> Result<SigningKey, SigningKeyError> {
    let io = |source| SigningKeyError::Io { path: path.to_owned(), source };
    let key = SigningKey::random()?;
    // Written beside and renamed: a crash in between must not leave half a key.
    let unfinished = path.with_extension("key.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(io)?;
    file.write_all(key.bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    std::fs::rename(&unfinished, path).map_err(io)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("bulkhead-key-{name}-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_can_read_it() {
        let dir = scratch("once");
        let made = SigningKey::load_or_create(&dir).unwrap();
        let found = SigningKey::load_or_create(&dir).unwrap();
        assert_eq!(made.bytes(), found.bytes());
        let mode = std::fs::metadata(dir.join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_cut_off_is_refused() {
        let dir = scratch("refused");
        SigningKey::load_or_create(&dir).unwrap();
        let path = dir.join(FILE_NAME);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SigningKey::load_or_create(&dir), Err(SigningKeyError::Permissions { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, [1u8; 31]).unwrap();
        assert!(matches!(SigningKey::load_or_create(&dir), Err(SigningKeyError::Length { .. })));
    }
}
