//! VADER, as its Python original computes it: vaderSentiment 3.3.2 (Hutto and Gilbert, "VADER: A Parsimonious
//! Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014), with its lexicons (MIT licence, see
//! `sentiment/data/VADER_LICENSE.txt`).
//!
//! The port follows the original where it surprises too: emoji run into the word behind them, "but" finds the words
//! it weighs by their value, and "so" in front of a word of sentiment strengthens it at any distance. Sums are made
//! from left to right in doubles, as Python does up to 3.11 (3.12 compensates, which shows in no digit that is
//! rounded to unless by chance). White space, capitals and lower case are Unicode's; a letter that is newer than
//! Python's tables may count differently.

mod lexicon;
mod rules;
mod text;

use super::check_length;
use crate::QuantError;
use lexicon::lexicon;

/// The four numbers of VADER.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Polarity {
    /// Share of the text that is negative, to three decimals.
    pub negative: f64,
    /// Share of the text that is neutral, to three decimals.
    pub neutral: f64,
    /// Share of the text that is positive, to three decimals.
    pub positive: f64,
    /// The whole, from −1 to 1, to four decimals.
    pub compound: f64,
}

/// What the punctuation of a text adds to the size of its score.
const EXCLAMATION: f64 = 0.292;
const EXCLAMATIONS_MAX: usize = 4;
const QUESTION: f64 = 0.18;
const QUESTIONS_MANY: f64 = 0.96;

/// The score that the sum of valences is set against: about the largest to be expected, squared.
const NORMALISATION: f64 = 15.0;

/// The polarity of a text.
///
/// # Errors
/// If the text is longer than [`TEXT_BYTES_MAX`](super::TEXT_BYTES_MAX).
pub fn polarity(text: &str) -> Result<Polarity, QuantError> {
    check_length(text)?;
    let lexicon = lexicon();
    let text = text::describe_emoji(text, lexicon);
    let tokens = text::tokens(&text, lexicon);
    Ok(summary(&rules::valences(&tokens), emphasis(&text)))
}

/// Adds up the valences of the words.
fn summary(valences: &[f64], emphasis: f64) -> Polarity {
    if valences.is_empty() {
        return Polarity { negative: 0.0, neutral: 0.0, positive: 0.0, compound: 0.0 };
    }
    let mut sum: f64 = valences.iter().fold(0.0, |sum, valence| sum + valence);
    if sum > 0.0 {
        sum += emphasis;
    } else if sum < 0.0 {
        sum -= emphasis;
    }
    // Every word weighs one more than its valence, since a neutral word weighs one.
    let (mut positive, mut negative, mut neutral) = (0.0, 0.0, 0.0);
    for &valence in valences {
        if valence > 0.0 {
            positive += valence + 1.0;
        } else if valence < 0.0 {
            negative += valence - 1.0;
        } else {
            neutral += 1.0;
        }
    }
    let size: f64 = f64::abs(negative);
    if positive > size {
        positive += emphasis;
    } else if positive < size {
        negative -= emphasis;
    }
    let total = positive + f64::abs(negative) + neutral;
    Polarity {
        negative: rounded(f64::abs(negative / total), 3),
        neutral: rounded(neutral / total, 3),
        positive: rounded(positive / total, 3),
        compound: rounded((sum / (sum * sum + NORMALISATION).sqrt()).clamp(-1.0, 1.0), 4),
    }
}

/// What exclamation and question marks add.
fn emphasis(text: &str) -> f64 {
    let count = |mark: u8| text.bytes().filter(|&byte| byte == mark).count();
    let exclamations = [0.0, 1.0, 2.0, 3.0, 4.0][count(b'!').min(EXCLAMATIONS_MAX)];
    let questions = match count(b'?') {
        0 | 1 => 0.0,
        2 => 2.0 * QUESTION,
        3 => 3.0 * QUESTION,
        _ => QUESTIONS_MANY,
    };
    exclamations * EXCLAMATION + questions
}

/// The decimal number with so many digits behind the point that is nearest to a value of size one or less; of two
/// equally near, the even one. As Python's `round`, this looks at the exact value of the double.
fn rounded(value: f64, digits: usize) -> f64 {
    let scale = if digits == 3 { 1e3 } else { 1e4 };
    let scaled = value * scale;
    let nearest = scaled.round_ties_even();
    // The product is off by less than 1e-12. Only so close to the middle between two can that matter.
    if ((scaled - nearest).abs() - 0.5).abs() > 1e-9 {
        return nearest / scale;
    }
    format!("{value:.digits$}").parse().unwrap_or(nearest / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_looks_at_the_exact_value() {
        // Ties in binary go to even; what only looks like a tie in decimal goes to the nearer side.
        let cases = [(0.0625, 3, 0.062), (0.1875, 3, 0.188), (0.0005, 3, 0.001), (0.0015, 3, 0.002)];
        for (value, digits, want) in cases {
            assert!((rounded(value, digits) - want).abs() < 1e-15, "{value}: {}", rounded(value, digits));
        }
        assert!((rounded(-0.03125, 4) + 0.0312).abs() < 1e-15);
        assert!((rounded(0.00005, 4) - 0.0001).abs() < 1e-15, "0.00005 is above the middle as a double");
    }
}
