//! Refresh tokens: 256 random bits, known here only by their SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_persistence::refresh_token::TokenHash;
use sha2::{Digest, Sha256};

const SECRET_LENGTH: usize = 32;
/// Makes a leaked token recognisable to scanners.
const PREFIX: &str = "bhr_";

/// A freshly made token; the text leaves once, the hash stays.
pub(crate) struct RefreshToken {
    pub(crate) text: String,
    pub(crate) hash: TokenHash,
}

impl RefreshToken {
    /// Makes one; `None` when the operating system gives no random bytes.
    pub(crate) fn random() -> Option<Self> {
        let mut secret = [0u8; SECRET_LENGTH];
        getrandom::fill(&mut secret).ok()?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        Some(Self { text, hash: Sha256::digest(secret).into() })
    }

    /// The hash of a presented token; `None` for what cannot be one.
    pub(crate) fn hash_of(text: &str) -> Option<TokenHash> {
        let encoded = text.strip_prefix(PREFIX)?;
        let secret: [u8; SECRET_LENGTH] = URL_SAFE_NO_PAD.decode(encoded).ok()?.try_into().ok()?;
        Some(Sha256::digest(secret).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_nothing_else_parses() {
        let token = RefreshToken::random().unwrap();
        assert_eq!(RefreshToken::hash_of(&token.text), Some(token.hash));
        assert_ne!(RefreshToken::random().unwrap().hash, token.hash);
        for text in
            ["", "bhr_", "bhr_AAAA", token.text.trim_start_matches("bhr_"), &format!("{}A", token.text)]
        {
            assert_eq!(RefreshToken::hash_of(text), None, "{text:?}");
        }
    }
}
