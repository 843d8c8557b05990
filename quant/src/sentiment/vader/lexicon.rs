//! The words that VADER knows: valences, and the words that change the valence of others.

use crate::sentiment::word_map::{WordHasher, WordMap};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

/// What the rules ask about a word.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Word {
    /// The mean rating, from −4 to 4, of a word in the lexicon.
    pub(super) valence: Option<f64>,
    /// What the word adds to the valence of one behind it; zero for most.
    pub(super) boost: f64,
    /// Whether it turns the valence of a word behind it.
    pub(super) is_negation: bool,
    /// Which of the words that the rules name it is.
    pub(super) role: Role,
}

/// The words that the rules name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    Other,
    Ass,
    At,
    Bad,
    Beating,
    Bomb,
    Bus,
    But,
    Death,
    Die,
    Doubt,
    Enough,
    For,
    Heart,
    Just,
    Kind,
    Kiss,
    Least,
    Never,
    No,
    Nor,
    Of,
    Or,
    Right,
    Shit,
    So,
    Sort,
    Stop,
    The,
    This,
    To,
    Very,
    Without,
    Yeah,
}

/// Both lexicons, read.
#[derive(Debug)]
pub(super) struct Lexicon {
    words: WordMap<Word>,
    emoji: HashMap<char, &'static str, BuildHasherDefault<WordHasher>>,
}

/// What a strengthening word adds to the valence of the next.
pub(super) const BOOST: f64 = 0.293;

const WORDS: &str = include_str!("../data/vader_lexicon.txt");
const MODIFIERS: &str = include_str!("../data/vader_modifiers.txt");
const EMOJI: &str = include_str!("../data/emoji_utf8_lexicon.txt");

/// The lexicons, which are read at the first call.
pub(super) fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(Lexicon::read)
}

impl Lexicon {
    fn read() -> Self {
        let mut words: WordMap<Word> = WordMap::default();
        for (word, valence) in WORDS.lines().filter_map(valence_of_line) {
            words.entry(word).valence = Some(valence);
        }
        for word in modifiers("strengthening") {
            words.entry(word).boost = BOOST;
        }
        for word in modifiers("weakening") {
            words.entry(word).boost = -BOOST;
        }
        for word in modifiers("negations") {
            words.entry(word).is_negation = true;
        }
        for (word, role) in ROLES {
            words.entry(word).role = role;
        }
        Self { words, emoji: EMOJI.lines().filter_map(emoji_of_line).collect() }
    }

    /// What is known about a token.
    pub(super) fn word(&self, token: &str) -> Word {
        let mut word = self.words.get_folded(token).unwrap_or_default();
        word.is_negation |= ends_in_not(token);
        word
    }

    /// The description of an emoji.
    pub(super) fn emoji(&self, c: char) -> Option<&'static str> {
        self.emoji.get(&c).copied()
    }
}

/// Whether "n't" occurs, as in "isn't".
fn ends_in_not(token: &str) -> bool {
    let bytes = token.as_bytes();
    bytes.contains(&b'\'') && bytes.windows(3).any(|part| part.eq_ignore_ascii_case(b"n't"))
}

/// The words of one line of the file of modifiers.
fn modifiers(name: &str) -> impl Iterator<Item = &'static str> {
    let words = MODIFIERS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
    words.unwrap_or_default().split(' ')
}

fn valence_of_line(line: &'static str) -> Option<(&'static str, f64)> {
    let (word, rest) = line.trim().split_once('\t')?;
    let valence = rest.split('\t').next()?.parse().ok()?;
    Some((word, valence))
}

/// Only an emoji of one character can ever be met, since the original looks at one character at a time.
fn emoji_of_line(line: &'static str) -> Option<(char, &'static str)> {
    let (emoji, rest) = line.trim().split_once('\t')?;
    let mut chars = emoji.chars();
    let only = chars.next().filter(|_| chars.next().is_none())?;
    Some((only, rest.split('\t').next()?))
}

const ROLES: [(&str, Role); 33] = [
    ("ass", Role::Ass),
    ("at", Role::At),
    ("bad", Role::Bad),
    ("beating", Role::Beating),
    ("bomb", Role::Bomb),
    ("bus", Role::Bus),
    ("but", Role::But),
    ("death", Role::Death),
    ("die", Role::Die),
    ("doubt", Role::Doubt),
    ("enough", Role::Enough),
    ("for", Role::For),
    ("heart", Role::Heart),
    ("just", Role::Just),
    ("kind", Role::Kind),
    ("kiss", Role::Kiss),
    ("least", Role::Least),
    ("never", Role::Never),
    ("no", Role::No),
    ("nor", Role::Nor),
    ("of", Role::Of),
    ("or", Role::Or),
    ("right", Role::Right),
    ("shit", Role::Shit),
    ("so", Role::So),
    ("sort", Role::Sort),
    ("stop", Role::Stop),
    ("the", Role::The),
    ("this", Role::This),
    ("to", Role::To),
    ("very", Role::Very),
    ("without", Role::Without),
    ("yeah", Role::Yeah),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        assert!(WORDS.lines().filter(|line| !line.is_empty()).all(|line| valence_of_line(line).is_some()));
        assert!(lexicon().words.len() > 7_500);
        let count = |name| modifiers(name).count();
        assert_eq!((count("strengthening"), count("weakening"), count("negations")), (60, 21, 37));
        assert!(EMOJI.lines().all(|line| line.contains('\t')));
        assert!(lexicon().emoji.len() > 1_000);
        assert_eq!(lexicon().emoji('🚀'), Some("rocket"));
    }

    #[test]
    fn words_are_found_in_any_case() {
        let good = lexicon().word("GOOD");
        assert!((good.valence.unwrap() - 1.9).abs() < 1e-12);
        assert!(lexicon().word("ISN'T").is_negation);
        assert!(lexicon().word("o\u{212a}").valence.is_some(), "the sign for kelvin is a k in lower case");
        assert!(lexicon().word(&"x".repeat(1_000)).valence.is_none());
    }
}
