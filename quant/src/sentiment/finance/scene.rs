//! A text as words and the phrases among them, divided into statements.

use super::lexicon::{Entry, Kind, lexicon};
use super::words::{Word, words};
use std::ops::Range;

/// A phrase where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) entry: Entry,
    /// Its first word.
    pub(super) start: usize,
    /// The word behind its last.
    pub(super) end: usize,
}

/// A text, taken apart.
#[derive(Debug)]
pub(super) struct Scene<'t> {
    pub(super) words: Vec<Word<'t>>,
    /// The phrases from left to right; they do not overlap.
    pub(super) items: Vec<Item>,
    /// The number of the statement that each word is in.
    statements: Vec<usize>,
    /// Whether some words, not all, are in capitals.
    pub(super) has_some_capitals: bool,
}

impl<'t> Scene<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let words = words(text);
        let items = items(&words);
        let statements = statements(&words, &items);
        let has_some_capitals =
            words.iter().any(|word| word.is_upper) && !words.iter().all(|word| word.is_upper);
        Self { words, items, statements, has_some_capitals }
    }

    /// Share of the words that are in a phrase or are percentages.
    #[expect(clippy::cast_precision_loss, reason = "a text has few words")]
    pub(super) fn coverage(&self) -> f64 {
        let known: usize = self.items.iter().map(|item| item.end - item.start).sum();
        let percentages = self.words.iter().filter(|word| word.percent.is_some()).count();
        (known + percentages) as f64 / self.words.len().max(1) as f64
    }

    /// Whether two words are of one statement.
    pub(super) fn is_one_statement(&self, a: usize, b: usize) -> bool {
        self.statements[a] == self.statements[b]
    }

    /// Whether a word is this, in any case.
    pub(super) fn is_word(&self, at: usize, names: &[&str]) -> bool {
        self.words.get(at).is_some_and(|word| names.iter().any(|name| word.text.eq_ignore_ascii_case(name)))
    }

    /// The items that begin within so many words before `item`, the nearest first, in its statement.
    pub(super) fn before(&self, item: usize, reach: usize) -> impl Iterator<Item = usize> + '_ {
        let start = self.items[item].start;
        (0..item).rev().take_while(move |&other| {
            self.items[other].end + reach >= start && self.is_one_statement(self.items[other].start, start)
        })
    }

    /// The items that begin within so many words behind `item`, the nearest first, in its statement.
    pub(super) fn behind(&self, item: usize, reach: usize) -> impl Iterator<Item = usize> + '_ {
        let Item { start, end, .. } = self.items[item];
        (item + 1..self.items.len()).take_while(move |&other| {
            self.items[other].start <= end + reach && self.is_one_statement(self.items[other].start, start)
        })
    }

    /// The words of a range, cut to those there are.
    pub(super) fn range(&self, range: Range<usize>) -> &[Word<'t>] {
        let end = range.end.min(self.words.len());
        &self.words[range.start.min(end)..end]
    }
}

/// The phrases of a text: at each word the longest, never past the end of a statement.
fn items(words: &[Word<'_>]) -> Vec<Item> {
    let lexicon = lexicon();
    let mut items = Vec::with_capacity(words.len());
    let mut start = 0;
    while start < words.len() {
        let rest = &words[start..];
        let last = rest.iter().position(|word| word.ends_statement).unwrap_or(rest.len() - 1);
        let texts = rest[..=last].iter().take_while(|word| word.percent.is_none()).map(|word| word.text);
        let length = lexicon.longest(texts).map_or(1, |(entry, length)| {
            items.push(Item { entry, start, end: start + length });
            length
        });
        start += length;
    }
    items
}

/// Numbers the statements: a new one begins behind punctuation, and at a word that links, concedes or contrasts.
fn statements(words: &[Word<'_>], items: &[Item]) -> Vec<usize> {
    let mut items = items.iter().peekable();
    let mut statement = 0;
    let mut statements = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        if let Some(item) = items.next_if(|item| item.start == at) {
            statement +=
                usize::from(matches!(item.entry.kind, Kind::Link | Kind::Concession | Kind::Contrast));
        }
        statements.push(statement);
        statement += usize::from(word.ends_statement);
    }
    statements
}
