//! Opening a log: only the last segment is read, and of the others their indexes.

use super::SegmentLimits;
use super::files::{lock_dir, scan, segment_path, segments};
use super::index_set::IndexSet;
use super::record::{Line, Position, StateRecord};
use super::writer::{Log, Tail, create_segment};
use crate::paper::PaperError;
use bulkhead_domain::Timestamp;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const SEGMENT_FIRST: u32 = 1;

/// Opens the log in `dir`, or begins one, and calls `each` with the lines of the last segment.
pub(in crate::paper) fn open(
    dir: &Path,
    limits: SegmentLimits,
    mut each: impl FnMut(Position, &Line) -> Result<(), PaperError>,
) -> Result<Log, PaperError> {
    fs::create_dir_all(dir).map_err(|error| PaperError::io("create", dir, error))?;
    let lock = lock_dir(dir)?;
    if segments(dir)?.is_empty() {
        create_segment(dir, SEGMENT_FIRST, 1, (Timestamp::EPOCH, StateRecord::default()))?;
    }
    let mut finished = segments(dir)?;
    let current = finished.pop().expect("a segment was just made where there was none");
    let mut tail =
        Tail { lock, segment: current, state_bytes: None, written: 0, next_n: 1, closed: BTreeSet::new() };
    tail.written = scan(&segment_path(dir, current), current, |position, line| {
        tail.next_n = line.n + 1;
        if position.offset > 0 {
            tail.state_bytes.get_or_insert(u64::from(position.offset));
        }
        tail.closed.extend(line.record.closes().map(|hash| (hash, position)));
        each(position, &line)
    })?;
    Log::resume((dir, limits), tail, IndexSet::open(dir, &finished)?)
}
