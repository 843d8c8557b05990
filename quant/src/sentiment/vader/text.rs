//! From text to tokens: emoji become words, white space divides, punctuation at the ends goes.

use super::lexicon::{Lexicon, Word};
use std::borrow::Cow;

/// A word of the text with what the rules ask about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) is_upper: bool,
}

/// The text with every emoji replaced by its description. A space goes in front, none behind: so does the original.
pub(super) fn describe_emoji<'t>(text: &'t str, lexicon: &Lexicon) -> Cow<'t, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut described = String::with_capacity(2 * text.len());
    let mut follows_space = true;
    for c in text.chars() {
        if let Some(description) = lexicon.emoji(c) {
            if !follows_space {
                described.push(' ');
            }
            described.push_str(description);
            follows_space = false;
        } else {
            described.push(c);
            follows_space = c == ' ';
        }
    }
    Cow::Owned(described)
}

/// The tokens of a text.
pub(super) fn tokens(text: &str, lexicon: &Lexicon) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    for part in text.split(is_space).filter(|part| !part.is_empty()) {
        let part = strip_punctuation(part);
        tokens.push(Token { word: lexicon.word(part), is_upper: is_upper(part) });
    }
    tokens
}

/// White space as Python's `str.split` sees it, which counts the four separators of ASCII.
fn is_space(c: char) -> bool {
    matches!(c, '\u{1c}'..='\u{1f}') || c.is_whitespace()
}

/// The token without punctuation around it, unless two characters or fewer remain: then it may be an emoticon.
fn strip_punctuation(token: &str) -> &str {
    let stripped = token.trim_matches(|c: char| c.is_ascii_punctuation());
    if stripped.chars().nth(2).is_none() { token } else { stripped }
}

/// Whether there are capitals and neither small nor title-case letters: Python's `str.isupper`.
fn is_upper(token: &str) -> bool {
    let mut is_cased = false;
    for c in token.chars() {
        if c.is_lowercase() || is_title_case(c) {
            return false;
        }
        is_cased |= c.is_uppercase();
    }
    is_cased
}

/// The letters of Unicode's category Lt.
const fn is_title_case(c: char) -> bool {
    matches!(c,
        '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}'
        | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}' | '\u{1fa8}'..='\u{1faf}'
        | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_as_in_python() {
        for (token, want) in [
            ("ETH", true),
            ("B2B", true),
            ("123", false),
            ("!?", false),
            ("ETh", false),
            ("ÉTÉ", true),
            ("ß", false),
            ("ǅA", false),
            ("Ⅷ", true),
            ("", false),
        ] {
            assert_eq!(is_upper(token), want, "{token}");
        }
    }

    #[test]
    fn only_long_words_lose_their_punctuation() {
        for (token, want) in [("\"good!!\"", "good"), (":)", ":)"), ("(ok)", "(ok)"), ("don't.", "don't")] {
            assert_eq!(strip_punctuation(token), want);
        }
    }
}
