//! Every Rust file is reached from the root of a target; what is not is dead and compiled by nobody.

use super::source::Source;
use super::{assert_none, crates, files, shown};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Everything that `mod name;` leads to from these roots.
fn reached(roots: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<(PathBuf, bool)> = roots.iter().map(|root| (root.clone(), true)).collect();
    while let Some((file, is_root)) = open.pop() {
        if !file.is_file() || !seen.insert(file.clone()) {
            continue;
        }
        let dir = file.parent().unwrap();
        let is_dir_module = is_root || file.file_name().is_some_and(|name| name == "mod.rs");
        let below = if is_dir_module { dir.to_owned() } else { dir.join(file.file_stem().unwrap()) };
        open.extend(elsewhere(&file).into_iter().map(|name| (dir.join(name), false)));
        for name in declared(&file) {
            open.push((below.join(format!("{name}.rs")), false));
            open.push((below.join(name).join("mod.rs"), false));
        }
    }
    seen
}

/// Files that are named by `#[path = "…"]`.
fn elsewhere(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let name = |line: &str| line.trim().strip_prefix("#[path = \"")?.strip_suffix("\"]").map(str::to_owned);
    text.lines().filter_map(name).collect()
}

fn declared(file: &Path) -> Vec<String> {
    let source = Source::read(file);
    let name = |line: &str| {
        let after = line.trim().rsplit_once("mod ").filter(|(before, _)| {
            before.is_empty() || before.ends_with(' ') && !before.contains(['=', '/', '"'])
        })?;
        after.1.strip_suffix(';').map(|name| name.trim_start_matches("r#").to_owned())
    };
    source.code.lines().filter_map(name).collect()
}

#[test]
fn every_file_is_compiled() {
    let mut complaints = Vec::new();
    let packages = crates::packages();
    for package in &packages {
        let reached = reached(&package.target_roots);
        // A package may lie within another's folder, as every package lies within the root's.
        let is_other = |path: &Path| {
            packages.iter().any(|other| {
                other.dir != package.dir
                    && other.dir.starts_with(&package.dir)
                    && path.starts_with(&other.dir)
            })
        };
        for path in files(&package.dir, "rs") {
            if !reached.contains(&path) && !is_other(&path) {
                complaints.push(format!("{}: no target of {} reaches it", shown(&path), package.name));
            }
        }
    }
    assert_none(&complaints);
}
