//! The independent checker: compares what clients were told, what the venue logged and what the database holds.
//!
//! It shares no code with the platform. Everything is recomputed from the three sources: the hash chain, the life
//! of every order, positions and cash. A disagreement is a [`Violation`](report) with a name.
//!
//! It is meant to run after everything has come to rest: then nothing may be open here and closed there.

pub mod client_record;
pub mod database;
pub mod evidence;
pub mod journal;
pub mod order_fold;
pub mod position_fold;
pub mod report;
pub mod rules;
pub mod venue_log;

pub use evidence::{Evidence, EvidenceError, Sources};
pub use report::{Report, RoundReport, Violation, ViolationName};
pub use rules::check;
