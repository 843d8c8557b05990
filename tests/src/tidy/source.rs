//! Rust source with comments and literals blanked out, and the length of files and functions.

use super::{assert_none, files, root, shown};
use std::fs;
use std::path::Path;

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const PARAMETERS_MAX: usize = 4;

/// A file, as text and as code.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) line_count: usize,
    /// The same lines with comments, strings and characters replaced by spaces.
    pub(super) code: String,
    /// Whether the whole file is a test.
    pub(super) is_test: bool,
    /// Where the inline tests begin.
    pub(super) tests_from: usize,
}

/// A function in a file.
struct Function<'a> {
    name: &'a str,
    line: usize,
    line_count: usize,
    parameter_count: usize,
    is_test: bool,
}

impl Source {
    pub(super) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let code = blank(&text);
        let name = shown(path);
        // Fakes are compiled for tests only; examples are measurements, not part of any program.
        let is_test_name = |part: &str| {
            ["tests", "tests.rs", "fakes", "examples"].contains(&part) || part.ends_with("_tests.rs")
        };
        let is_test = name.starts_with("tests/src/")
            || name.split('/').any(is_test_name) && !name.starts_with("tests/checker/src/");
        let tests_from = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
        Self { name, line_count: text.lines().count(), code, is_test, tests_from }
    }

    /// Every Rust file of the workspace.
    pub(super) fn all() -> Vec<Self> {
        let found: Vec<Self> = files(&root(), "rs").iter().map(|path| Self::read(path)).collect();
        assert!(found.len() > 50, "the workspace was found");
        found
    }

    /// The line a position is in, counted from one.
    pub(super) fn line_of(&self, position: usize) -> usize {
        self.code[..position].matches('\n').count() + 1
    }

    fn functions(&self) -> Vec<Function<'_>> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let is_word = !self.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let rest = &self.code[at + 3..];
            let name_length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(0);
            if !is_word || name_length == 0 {
                continue;
            }
            let Some((parameter_count, open)) = signature(&rest[name_length..]) else { continue };
            let open = at + 3 + name_length + open;
            let close = open + matching(&self.code[open..]);
            found.push(Function {
                name: &rest[..name_length],
                line: self.line_of(at),
                line_count: self.line_of(close) - self.line_of(at) + 1,
                parameter_count,
                is_test: self.is_test || at >= self.tests_from,
            });
        }
        found
    }
}

/// Number of parameters but `self`, and where the body opens; nothing for a function without a body.
fn signature(text: &str) -> Option<(usize, usize)> {
    let start = text.find('(')?;
    let mut depth = 0_i32;
    let mut commas = 0;
    let mut end = None;
    let mut before = ' ';
    for (at, c) in text[start..].char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if before == '-' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth == 1 => commas += 1,
            _ => {}
        }
        before = c;
        if depth == 0 {
            end = Some(start + at);
            break;
        }
    }
    let end = end?;
    let list = text[start + 1..end].trim();
    let count = if list.is_empty() { 0 } else { commas + usize::from(!list.ends_with(',')) };
    let first = list.split([',', ':']).next().unwrap_or_default();
    let has_self = first.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "self");
    let after = &text[end..];
    let body = after.find('{')?;
    if after.find(';').is_some_and(|semicolon| semicolon < body) {
        return None;
    }
    Some((count - usize::from(has_self), end + body))
}

/// The length of what an opening brace encloses.
fn matching(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Replaces comments and literals by spaces; lines stay where they are.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = literal_length(rest, is_word);
        let (taken, left) = rest.split_at(length.max(c.len_utf8()));
        if length == 0 {
            code.push(c);
        } else {
            code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = left;
    }
    code
}

/// How long the comment or literal is that begins here; zero for code.
fn literal_length(text: &str, follows_word: bool) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return text.find("*/").map_or(text.len(), |end| end + 2);
    }
    if let Some(length) = raw_string_length(text).filter(|_| !follows_word) {
        return length;
    }
    if text.starts_with('"') {
        return quoted_length(text, '"');
    }
    if text.starts_with('\'') {
        let mut chars = text.chars().skip(1);
        let (first, second) = (chars.next(), chars.next());
        // Anything else that begins with a quote is a lifetime.
        if first == Some('\\') || second == Some('\'') {
            return quoted_length(text, '\'');
        }
    }
    0
}

fn raw_string_length(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - body.len();
    Some(body.find(&end).map_or(text.len(), |at| start + at + end.len()))
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn blanking_keeps_lines_and_code_only() {
    let text =
        "let a = \"fn x() {\"; // fn y\nlet b = '{'; let c: &'a str = r#\"\"{\"#;\n/* { */ let d = '\\'';";
    let code = blank(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert!(!code.contains('{') && code.contains("let c: &'a str") && code.ends_with(';'), "{code}");
}

#[test]
fn files_are_short() {
    let complaint = |source: &Source| format!("{}: {} lines", source.name, source.line_count);
    let sources = Source::all();
    let long = sources.iter().filter(|source| !source.is_test && source.line_count > FILE_LINES_MAX);
    assert_none(&long.map(complaint).collect::<Vec<_>>());
}

#[test]
fn functions_are_short_and_take_few_parameters() {
    let mut complaints = Vec::new();
    let mut count = 0;
    for source in &Source::all() {
        for function in source.functions() {
            count += 1;
            let Function { name, line, line_count, parameter_count, is_test } = function;
            if line_count > FUNCTION_LINES_MAX && !is_test {
                complaints.push(format!("{}:{line}: {name} has {line_count} lines", source.name));
            }
            if parameter_count > PARAMETERS_MAX && !is_test {
                complaints.push(format!("{}:{line}: {name} has {parameter_count} parameters", source.name));
            }
        }
    }
    assert!(count > 500, "the functions were found: {count}");
    assert_none(&complaints);
}
