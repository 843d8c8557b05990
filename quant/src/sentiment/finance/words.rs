//! From text to words for the lexicon of finance: lower case does not matter, hyphens and slashes divide, a
//! possessive is left out, and punctuation is kept as the end of a statement.

/// A word of the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    /// What it says as a percentage.
    pub(super) percent: Option<Percent>,
    /// Whether a statement ends behind it.
    pub(super) ends_statement: bool,
    /// Whether it is in capitals.
    pub(super) is_upper: bool,
}

/// A percentage in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Percent {
    /// Its size, without the sign.
    pub(super) size: f64,
    /// 1 or −1 if it is written with a sign, else zero.
    pub(super) sign: f64,
}

/// The words of a text.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::with_capacity(text.len() / 5);
    for part in text.split_whitespace() {
        if let Some(percent) = percent(part) {
            let ends_statement = part.ends_with([',', ';', '.', '!', '?']);
            words.push(Word { text: part, percent: Some(percent), ends_statement, is_upper: false });
        } else if words.last().is_some_and(|last| number(last.text).is_some()) && is_percent_word(part) {
            join_percent(&mut words, part);
        } else {
            push_pieces(&mut words, part);
        }
    }
    words
}

/// Makes a percentage of the number that came last.
fn join_percent(words: &mut [Word<'_>], unit: &str) {
    if let Some(last) = words.last_mut() {
        last.percent = number(last.text);
        last.ends_statement = unit.ends_with([',', ';', '.', '!', '?']);
    }
}

fn is_percent_word(part: &str) -> bool {
    let unit = part.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
    ["%", "percent", "pct"].iter().any(|name| unit.eq_ignore_ascii_case(name))
}

/// The parts of a word between hyphens and slashes.
fn push_pieces<'t>(words: &mut Vec<Word<'t>>, part: &'t str) {
    let count = words.len();
    for piece in part.split(['-', '/', '–', '—', '‑']) {
        let bare = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.strip_suffix("'s").or_else(|| bare.strip_suffix("’s")).unwrap_or(bare);
        if !bare.is_empty() {
            let is_upper = bare.len() > 1 && bare.bytes().all(|byte| byte.is_ascii_uppercase());
            words.push(Word { text: bare, percent: None, ends_statement: false, is_upper });
        }
    }
    // A dash that stands alone parts statements; one within a word does not.
    let is_dash = words.len() == count && part.starts_with(['-', '–', '—', '|']);
    let closes = part.trim_end_matches(['"', '\'', ')', '”', '’']);
    if let Some(last) =
        words.last_mut().filter(|_| is_dash || closes.ends_with([',', ';', ':', '.', '!', '?']))
    {
        last.ends_statement = true;
    }
}

/// The percentage that is written as one word, as in "+8%," or "(3.5%)".
fn percent(part: &str) -> Option<Percent> {
    let end = part.rfind('%')?;
    let rest = &part[end + 1..];
    if !rest.chars().all(|c| c.is_ascii_punctuation()) {
        return None;
    }
    number(part[..end].trim_start_matches(['(', '[', '"', '~', '$']))
}

/// A decimal number with an optional sign. Nothing else that Rust would read, such as "inf".
fn number(text: &str) -> Option<Percent> {
    let (sign, digits) = match text.chars().next()? {
        '+' => (1.0, &text[1..]),
        '-' => (-1.0, &text[1..]),
        '−' => (-1.0, &text['−'.len_utf8()..]),
        _ => (0.0, text),
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',');
    let size: f64 =
        if digits.contains(',') { digits.replace(',', "").parse() } else { digits.parse() }.ok()?;
    (is_number && size.is_finite()).then_some(Percent { size, sign })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        words(text).iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_divided() {
        assert_eq!(texts("All-time high; Tesla's sell-off"), ["All", "time", "high", "Tesla", "sell", "off"]);
        assert_eq!(texts("—— (\"don't\")"), ["don't"]);
    }

    #[test]
    fn percentages_are_read() {
        let sizes = |text| -> Vec<(f64, f64)> {
            words(text).iter().filter_map(|word| word.percent).map(|p| (p.size, p.sign)).collect()
        };
        assert_eq!(sizes("up 8%, then +3.5% (−1,200%)"), [(8.0, 0.0), (3.5, 1.0), (1200.0, -1.0)]);
        assert_eq!(sizes("by 8 percent and 2 pct."), [(8.0, 0.0), (2.0, 0.0)]);
        assert_eq!(sizes("inf% nan% % %% 8%x percent"), []);
    }
}
