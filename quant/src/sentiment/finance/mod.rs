//! What a headline means for the price of what it speaks of, by a lexicon of finance and of crypto assets and by rules
//! for the direction of a movement: "inflation falls" is good, "profit falls" is bad, "cuts losses" is good, "cuts
//! dividend" is bad, "not bullish" is bad, "rallies 8%" is better than "rallies 1%".
//!
//! The method is that of VADER (Hutto and Gilbert 2014: valences of words, changed by the words around them, summed
//! and squashed) with a lexicon and rules made for this program. Every number comes with the terms it came from. What
//! a text says of one asset and what it means for another are not told apart: the caller knows of whom it speaks.

mod lexicon;
mod rules;
mod scene;
mod words;

use super::check_length;
use crate::QuantError;
use scene::Scene;

/// A text, read for its meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The meaning, from −1 (bad for the price) to 1 (good): `v / √(v² + 8)` for the sum `v` of the terms' valences.
    pub score: f64,
    /// How much the sign of the score can be relied on, from zero to one: `|Σv| / Σ|v| · (1 − exp(−Σ|v| / 2))`, which
    /// asks for terms that agree and for enough of them.
    pub confidence: f64,
    /// Share of the words that the lexicon knows.
    pub coverage: f64,
    /// The terms that contributed, in the order of the text.
    pub terms: Vec<Contribution>,
}

/// A term that contributed to a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// The phrase of the lexicon, or "percentage" for one with a sign that stands alone, as in "BTC +8%".
    pub term: &'static str,
    /// The quantity that the term moves, if one was found.
    pub about: Option<&'static str>,
    /// The valence after all rules.
    pub valence: f64,
}

/// The square that a sum of valences is set against: one strong term gives a score of about 0.6.
const NORMALISATION: f64 = 8.0;
/// The sum of sizes at which confidence has come to 63 %.
const EVIDENCE: f64 = 2.0;
/// What each exclamation mark adds, as in VADER.
const EXCLAMATION: f64 = 0.292;
const EXCLAMATIONS_MAX: usize = 4;
/// What a question says of its own answer.
const QUESTION: f64 = 0.5;

/// Reads a text.
///
/// # Errors
/// If the text is longer than [`TEXT_BYTES_MAX`](super::TEXT_BYTES_MAX).
pub fn read(text: &str) -> Result<Reading, QuantError> {
    check_length(text)?;
    let scene = Scene::new(text);
    let terms = rules::contributions(&scene);
    let sum: f64 = terms.iter().map(|term| term.valence).sum();
    let size: f64 = terms.iter().map(|term| term.valence.abs()).sum();
    let confidence = if size > 0.0 { (sum.abs() / size) * (1.0 - (-size / EVIDENCE).exp()) } else { 0.0 };
    let total = emphasised(sum, text);
    let score = total / (total * total + NORMALISATION).sqrt();
    Ok(Reading { score, confidence: confidence.min(1.0), coverage: scene.coverage(), terms })
}

/// The sum after the marks of the text: exclamation marks strengthen, a question weakens.
fn emphasised(sum: f64, text: &str) -> f64 {
    let exclamations = text.bytes().filter(|&byte| byte == b'!').take(EXCLAMATIONS_MAX).count();
    let emphasis = (0..exclamations).fold(0.0, |sum, _| sum + EXCLAMATION);
    let loud = if sum == 0.0 { 0.0 } else { sum + emphasis.copysign(sum) };
    if text.trim_end().ends_with('?') { loud * QUESTION } else { loud }
}
