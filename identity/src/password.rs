//! Passwords: the rules for new ones, and argon2id away from the threads that serve requests.
//!
//! 1. A hash costs 19 MiB and some 40 ms of a core: no more run at a time than there are cores, and who waits too
//!    long is turned away.
//! 2. An unknown user costs as much as a wrong password, so that the time tells nothing.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Characters a new password must have at least.
pub const LENGTH_MIN: usize = 8;
/// Characters a new password may have at most; bounds what hashing costs, and long enough for any phrase.
pub const LENGTH_MAX: usize = 128;
/// OWASP's second argon2id profile: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Who waits longer for a core is turned away.
const WAIT_MAX: Duration = Duration::from_secs(3);
const SALT_LENGTH: usize = 16;
/// What is in every list of leaked passwords and long enough to pass.
const COMMON: &[&str] = &[
    "password",
    "password1",
    "password123",
    "12345678",
    "123456789",
    "1234567890",
    "11111111",
    "00000000",
    "qwertyui",
    "qwerty123",
    "qwertyuiop",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "letmein1",
    "abcd1234",
    "1q2w3e4r",
    "passw0rd",
    "trustno1",
    "87654321",
    "changeme",
    "bulkhead",
];

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRuleError {
    #[error("must have at least {LENGTH_MIN} characters")]
    TooShort,
    #[error("must have at most {LENGTH_MAX} characters")]
    TooLong,
    #[error("is on every list of common passwords: choose another")]
    Common,
}

/// Why a hash was not made or compared.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("too many passwords are being hashed")]
    Overloaded,
    #[error("the hashing task ended early")]
    Aborted,
    #[error("the stored hash cannot be read: {0}")]
    Stored(argon2::password_hash::Error),
    #[error("the operating system gave no random bytes")]
    Random,
}

/// Hashes and verifies, a few at a time.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    cores: Arc<Semaphore>,
    /// Verified against when there is no such user.
    dummy_hash: Arc<str>,
}

/// Checks a new password against the rules.
pub(crate) fn check_rules(password: &SecretString) -> Result<(), PasswordRuleError> {
    let text = password.expose_secret();
    let length = text.chars().count();
    if length < LENGTH_MIN {
        return Err(PasswordRuleError::TooShort);
    }
    if length > LENGTH_MAX {
        return Err(PasswordRuleError::TooLong);
    }
    let lower = text.to_lowercase();
    if COMMON.contains(&lower.as_str()) { Err(PasswordRuleError::Common) } else { Ok(()) }
}

impl Passwords {
    /// Prepares for as many hashes at a time as there are cores. Hashes once itself.
    pub(crate) fn new() -> Result<Self, HashError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let dummy_hash = hash_now("no user has this password")?;
        Ok(Self { cores: Arc::new(Semaphore::new(cores)), dummy_hash: dummy_hash.into() })
    }

    /// Hashes to the PHC format.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, HashError> {
        self.run(move || hash_now(password.expose_secret())).await
    }

    /// Whether the password belongs to the hash; `None` for a user that does not exist, which takes as long.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, HashError> {
        let is_known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy_hash.as_ref().to_owned());
        let matches = self.run(move || verify_now(password.expose_secret(), &stored)).await?;
        Ok(matches && is_known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let acquired = tokio::time::timeout(WAIT_MAX, self.cores.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = acquired else { return Err(HashError::Overloaded) };
        let task = tokio::task::spawn_blocking(move || {
            // Held by the work itself: a caller that goes away must not let another hash start beside it.
            let _permit = permit;
            work()
        });
        task.await.map_err(|_| HashError::Aborted)?
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the profile is within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash_now(password: &str) -> Result<String, HashError> {
    let mut salt = [0u8; SALT_LENGTH];
    getrandom::fill(&mut salt).map_err(|_| HashError::Random)?;
    let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt).map_err(HashError::Stored)?;
    Ok(hash.to_string())
}

fn verify_now(password: &str, stored: &str) -> Result<bool, HashError> {
    match argon2().verify_password(password.as_bytes(), stored) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(HashError::Stored(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn rules_name_what_is_wrong() {
        assert_eq!(check_rules(&secret("short")), Err(PasswordRuleError::TooShort));
        assert_eq!(check_rules(&secret(&"x".repeat(129))), Err(PasswordRuleError::TooLong));
        assert_eq!(check_rules(&secret("PassWord123")), Err(PasswordRuleError::Common));
        assert_eq!(check_rules(&secret("äöüäöüäö")), Ok(()));
        assert_eq!(check_rules(&secret(&"ä".repeat(128))), Ok(()));
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_matches() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.verify(secret("correct horse"), Some(stored.clone())).await.unwrap());
        assert!(!passwords.verify(secret("wrong horse"), Some(stored)).await.unwrap());
        assert!(!passwords.verify(secret("no user has this password"), None).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_for_a_core_is_turned_away() {
        let passwords = Passwords::new().unwrap();
        let permits = u32::try_from(passwords.cores.available_permits()).unwrap();
        let _busy = passwords.cores.clone().acquire_many_owned(permits).await.unwrap();
        assert!(matches!(passwords.hash(secret("correct horse")).await, Err(HashError::Overloaded)));
    }
}
