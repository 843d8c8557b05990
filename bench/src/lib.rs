//! `bulkhead bench`: measures the real server, over loopback, with a load generator that shares its machine.
//!
//! 1. The server is a process of its own on a fresh, durable cluster; the floor of the bare SQL is measured in the
//!    same run, with the same rows.
//! 2. What is quoted is counted from the journal where it claims durability, and every acknowledged order is looked
//!    for there.
//! 3. Figures are published as they are: a missed goal is a row that says by how much, never an error.

mod clock;
mod error;
mod journal_count;
mod load;
mod machine;
mod options;
mod report;
mod run;
mod scenario;
mod stats;
mod world;

pub use error::BenchError;
pub use load::HttpError;
pub use options::BenchArgs;
pub use run::run;
pub use scenario::ScenarioName;
