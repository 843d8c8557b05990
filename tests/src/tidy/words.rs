//! Words that may occur nowhere, or in some places only.

use super::assert_none;
use super::source::Source;

/// A word and the paths it may occur in; a path that ends in `.rs` is a file's name, others are beginnings.
struct Rule {
    word: &'static str,
    allowed: &'static [&'static str],
    /// Whether tests may use it anywhere.
    in_tests: bool,
}

const fn never(word: &'static str) -> Rule {
    Rule { word, allowed: &[], in_tests: false }
}

const RULES: &[Rule] = &[
    never("todo!"),
    never("dbg!"),
    never("unimplemented!"),
    never("#[ignore"),
    never("#[allow("),
    never("#![allow("),
    Rule { word: "SystemTime::now", allowed: &["clock.rs"], in_tests: false },
    Rule { word: "OffsetDateTime::now_utc", allowed: &["clock.rs"], in_tests: true },
    Rule { word: "PgPool", allowed: &["persistence/"], in_tests: false },
    Rule { word: "sqlx::query", allowed: &["persistence/", "tests/"], in_tests: false },
    Rule { word: "tokio::spawn", allowed: &["supervision/", "bench/", "tests/"], in_tests: true },
];

impl Rule {
    fn allows(&self, source: &Source, position: usize) -> bool {
        let is_test = source.is_test || position >= source.tests_from;
        let is_place = |place: &&&str| {
            if place.ends_with(".rs") {
                source.name.rsplit('/').next() == Some(**place)
            } else {
                source.name.starts_with(**place)
            }
        };
        (self.in_tests && is_test) || self.allowed.iter().any(|place| is_place(&place))
    }
}

#[test]
fn banned_words_do_not_occur() {
    let mut complaints = Vec::new();
    for source in &Source::all() {
        for rule in RULES {
            for (at, _) in source.code.match_indices(rule.word) {
                if !rule.allows(source, at) {
                    complaints.push(format!("{}:{}: {}", source.name, source.line_of(at), rule.word));
                }
            }
        }
    }
    assert_none(&complaints);
}
