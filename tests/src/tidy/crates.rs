//! The edges between crates: arrows point down only.

use super::{assert_none, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

/// Which crates of the workspace each may use, tests and examples included.
const EDGES: &[(&str, &[&str])] = &[
    ("bulkhead-domain", &[]),
    ("bulkhead-quant", &[]),
    ("bulkhead-supervision", &[]),
    ("bulkhead-venues", &["domain"]),
    ("bulkhead-persistence", &["domain", "supervision"]),
    ("bulkhead-actors", &["domain", "quant", "persistence", "venues", "supervision"]),
    ("bulkhead-identity", &["domain", "persistence"]),
    ("bulkhead-http", &["domain", "quant", "persistence", "supervision", "actors", "identity"]),
    ("bulkhead", &["domain", "persistence", "supervision", "venues", "actors", "identity", "http", "bench"]),
    ("bulkhead-bench", &["domain", "persistence", "supervision", "venues", "actors", "identity", "http"]),
    ("bulkhead-checker", &[]),
    ("bulkhead-tests", &["checker"]),
];

/// Of a crate that must stay pure: nothing that has a clock, a socket or chance in it.
const PURE: &[(&str, &[&str])] = &[("bulkhead-domain", IMPURE), ("bulkhead-quant", IMPURE)];

const IMPURE: &[&str] =
    &["tokio", "sqlx", "axum", "ractor", "rand", "getrandom", "redis", "hyper", "tracing", "reqwest"];

/// A package as `cargo metadata` tells it.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) dir: PathBuf,
    pub(super) target_roots: Vec<PathBuf>,
    dependencies: BTreeSet<String>,
}

/// All packages of the workspace.
pub(super) fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(Package::of).collect()
}

impl Package {
    fn of(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = |field: &str| value[field].as_array().unwrap();
        Self {
            name: text(&value["name"]),
            dir: PathBuf::from(text(&value["manifest_path"])).parent().unwrap().to_owned(),
            target_roots: list("targets").iter().map(|target| text(&target["src_path"]).into()).collect(),
            dependencies: list("dependencies").iter().map(|dependency| text(&dependency["name"])).collect(),
        }
    }
}

#[test]
fn crates_depend_on_what_lies_below_them_only() {
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut complaints = Vec::new();
    for package in &packages {
        let Some(edges) = allowed.get(package.name.as_str()) else {
            complaints.push(format!("{} has no place in the order of crates", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|name| names.contains(name.as_str())) {
            let short = dependency.strip_prefix("bulkhead-").unwrap_or(dependency);
            if !edges.contains(&short) {
                complaints.push(format!("{} must not depend on {dependency}", package.name));
            }
        }
    }
    for (name, banned) in PURE {
        let package = packages.iter().find(|package| package.name == *name).unwrap();
        let impure = banned.iter().filter(|banned| package.dependencies.contains(**banned));
        complaints.extend(impure.map(|banned| format!("{name} must not depend on {banned}")));
    }
    assert_none(&complaints);
}
