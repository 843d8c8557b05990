//! What a headline or a message says, as numbers: the general tone by VADER, and the meaning for a price by a
//! lexicon of finance. The two are separate, since they answer different questions and are often apart: VADER knows
//! "furious" and does not know "rallies".
//!
//! Both are pure functions of the text, take time in proportion to its length, and have a limit to it
//! ([`TEXT_BYTES_MAX`]). The lexicons are part of the program and are read once, at the first use.

pub mod finance;
pub mod vader;

mod word_map;

use crate::QuantError;

/// Most bytes of one text. Both methods are made for sentences; a caller scores a long text by its paragraphs.
pub const TEXT_BYTES_MAX: usize = 32_768;

/// Both readings of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentiment {
    /// The general tone.
    pub vader: vader::Polarity,
    /// The meaning for a price.
    pub finance: finance::Reading,
}

/// Reads a text by both methods.
///
/// # Errors
/// If the text is longer than [`TEXT_BYTES_MAX`].
pub fn analyse(text: &str) -> Result<Sentiment, QuantError> {
    Ok(Sentiment { vader: vader::polarity(text)?, finance: finance::read(text)? })
}

/// Fails for a text that is too long.
fn check_length(text: &str) -> Result<(), QuantError> {
    if text.len() <= TEXT_BYTES_MAX {
        return Ok(());
    }
    Err(QuantError::TooMany { what: "text in bytes", most: TEXT_BYTES_MAX, got: text.len() })
}
