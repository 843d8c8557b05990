//! The documentation names what programs rely on.

use super::{assert_none, files, root};
use std::fs;

/// Every error code, as the table in the source has them.
fn codes() -> Vec<String> {
    let text = fs::read_to_string(root().join("http/src/error/code.rs")).unwrap();
    let table = text.split("\ncodes! {").nth(1).unwrap().split("\n}").next().unwrap();
    let code = |line: &str| line.split('"').nth(1).map(str::to_owned);
    table.lines().filter_map(code).collect()
}

#[test]
fn the_list_of_error_codes_is_complete() {
    let codes = codes();
    assert!(codes.len() > 30, "the codes were found");
    let lists: Vec<String> = files(&root().join("docs"), "md")
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .filter(|text| text.contains("NOT_AUTHENTICATED") && text.contains("INSUFFICIENT_FUNDS"))
        .collect();
    let missing =
        |list: &String| codes.iter().filter(|code| !list.contains(*code)).cloned().collect::<Vec<_>>();
    for list in &lists {
        assert_none(&missing(list));
    }
}
