//! Migrations: in lower case, in order, with row-level security on every table of a tenant.

use super::{assert_none, files, root, shown};
use std::fs;

/// SQL without comments and quoted text.
fn blank(sql: &str) -> String {
    let mut code = String::new();
    let mut is_quoted = false;
    for line in sql.lines() {
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\'' => is_quoted = !is_quoted,
                '-' if !is_quoted && chars.peek() == Some(&'-') => break,
                _ if is_quoted => {}
                _ => code.push(c),
            }
        }
        code.push('\n');
    }
    code
}

#[test]
fn migrations_are_lower_case_and_dated() {
    let migrations = files(&root().join("migrations"), "sql");
    assert!(!migrations.is_empty(), "there are migrations");
    let mut complaints = Vec::new();
    for path in &migrations {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_dated = name.split_once('_').is_some_and(|(date, what)| {
            date.len() == 14
                && date.bytes().all(|b| b.is_ascii_digit())
                && what.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        });
        if !is_dated {
            complaints.push(format!("{}: must be named <14 digits>_<lower_snake>.sql", shown(path)));
        }
        let code = blank(&fs::read_to_string(path).unwrap());
        for (number, line) in code.lines().enumerate() {
            if line.bytes().any(|b| b.is_ascii_uppercase()) {
                complaints.push(format!("{}:{}: {}", shown(path), number + 1, line.trim()));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn tables_of_tenants_have_forced_row_level_security() {
    let mut all = String::new();
    for path in files(&root().join("migrations"), "sql") {
        all.push_str(&blank(&fs::read_to_string(path).unwrap()));
    }
    let mut complaints = Vec::new();
    let mut count = 0;
    for table in all.split("create table ").skip(1) {
        let name = table.split([' ', '(', '\n']).next().unwrap();
        if !table.split("\n);").next().unwrap().contains("tenant_id uuid") {
            continue;
        }
        count += 1;
        for clause in ["enable row level security", "force row level security"] {
            if !all.contains(&format!("alter table {name} {clause};")) {
                complaints.push(format!("table {name} lacks: {clause}"));
            }
        }
    }
    assert!(count >= 5, "the tables were found");
    assert_none(&complaints);
}
