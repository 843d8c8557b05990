//! The words and phrases of finance, in a tree of words so that the longest phrase at a place is found by walking.

use crate::sentiment::word_map::{WordHasher, WordMap};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

/// What a phrase does; the file of the lexicon explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    Move,
    Act,
    Good,
    Bad,
    Versus,
    Surprise,
    Expectation,
    Negation,
    Booster,
    Hedge,
    Concession,
    Contrast,
    Link,
    Neutral,
}

/// A phrase of the lexicon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// A valence, or what others are multiplied by.
    pub(super) value: f64,
    pub(super) phrase: &'static str,
}

/// The lexicon, read.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    /// Every word by a number above zero.
    words: WordMap<u32>,
    /// From a place in the tree, by a word, to the next place. The root is zero.
    steps: HashMap<u64, u32, BuildHasherDefault<WordHasher>>,
    /// The entry of a phrase that ends at a place.
    entries: Vec<Option<Entry>>,
}

const TEXT: &str = include_str!("../data/finance_lexicon.txt");

/// The lexicon, which is read at the first call.
pub(super) fn lexicon() -> &'static Lexicon {
    static PHRASES: OnceLock<Vec<Line>> = OnceLock::new();
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(|| Lexicon::new(PHRASES.get_or_init(|| TEXT.lines().flat_map(expand).collect())))
}

/// One phrase of a line of the file.
#[derive(Debug)]
struct Line {
    kind: Kind,
    value: f64,
    phrase: String,
}

impl Lexicon {
    fn new(lines: &'static [Line]) -> Self {
        let mut lexicon = Self { entries: vec![None], ..Self::default() };
        for line in lines {
            let place = line.phrase.split(' ').fold(0, |place, word| lexicon.grow(place, word));
            lexicon.entries[place as usize] =
                Some(Entry { kind: line.kind, value: line.value, phrase: &line.phrase });
        }
        lexicon
    }

    /// The place behind `place` by `word`, which is made if there is none.
    fn grow(&mut self, place: u32, word: &'static str) -> u32 {
        let next_word = u32::try_from(self.words.len() + 1).unwrap_or(u32::MAX);
        let word = self.words.entry(word);
        if *word == 0 {
            *word = next_word;
        }
        let next_place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let step = *self.steps.entry(key(place, *word)).or_insert(next_place);
        if step == next_place {
            self.entries.push(None);
        }
        step
    }

    /// The longest phrase that the words begin with, and how many words it has.
    pub(super) fn longest<'w>(&self, words: impl Iterator<Item = &'w str>) -> Option<(Entry, usize)> {
        let mut place = 0;
        let mut found = None;
        for (count, word) in words.enumerate() {
            let Some(next) = self.words.get_folded(word).and_then(|word| self.steps.get(&key(place, word)))
            else {
                break;
            };
            place = *next;
            if let Some(entry) = self.entries[place as usize] {
                found = Some((entry, count + 1));
            }
        }
        found
    }
}

fn key(place: u32, word: u32) -> u64 {
    u64::from(place) << 32 | u64::from(word)
}

/// Every phrase that a line of the file stands for.
fn expand(line: &str) -> Vec<Line> {
    let mut columns = line.split('\t');
    let (Some(kind), Some(value), Some(patterns)) = (columns.next(), columns.next(), columns.next()) else {
        return Vec::new();
    };
    let (Some(kind), Ok(value)) = (kind_of(kind), value.parse()) else { return Vec::new() };
    let phrases = patterns.split(", ").flat_map(|pattern| {
        pattern.split(' ').fold(vec![String::new()], |begun, forms| {
            let longer = |start: &String, form| {
                if start.is_empty() { String::from(form) } else { format!("{start} {form}") }
            };
            begun.iter().flat_map(|start| forms.split('|').map(move |form| longer(start, form))).collect()
        })
    });
    phrases.map(|phrase| Line { kind, value, phrase }).collect()
}

fn kind_of(name: &str) -> Option<Kind> {
    Some(match name {
        "event" => Kind::Event,
        "move" => Kind::Move,
        "act" => Kind::Act,
        "good" => Kind::Good,
        "bad" => Kind::Bad,
        "versus" => Kind::Versus,
        "surprise" => Kind::Surprise,
        "expectation" => Kind::Expectation,
        "negation" => Kind::Negation,
        "booster" => Kind::Booster,
        "hedge" => Kind::Hedge,
        "concession" => Kind::Concession,
        "contrast" => Kind::Contrast,
        "link" => Kind::Link,
        "neutral" => Kind::Neutral,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_line_is_read_and_no_phrase_stands_twice() {
        let mut seen = HashSet::new();
        for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let phrases = expand(line);
            assert!(!phrases.is_empty(), "{line}");
            for phrase in phrases {
                assert!(phrase.value.abs() <= 4.0, "{line}");
                assert!(!phrase.phrase.split(' ').any(str::is_empty), "{line}");
                assert!(
                    phrase.phrase.chars().all(|c| c.is_ascii_lowercase() || "' 0123456789".contains(c)),
                    "{line}"
                );
                assert!(seen.insert(phrase.phrase.clone()), "{} stands twice", phrase.phrase);
            }
        }
        assert!(seen.len() > 2_000, "{} phrases", seen.len());
    }

    #[test]
    fn the_longest_phrase_is_found() {
        let find =
            |text: &str| lexicon().longest(text.split(' ')).map(|(entry, count)| (entry.phrase, count));
        assert_eq!(find("Record HIGH today"), Some(("record high", 2)));
        assert_eq!(find("record sales"), Some(("record sales", 2)));
        assert_eq!(find("record label"), Some(("record", 1)));
        assert_eq!(find("label record"), None);
        assert_eq!(find("fail again"), Some(("fail", 1)));
    }
}
