//! Appending to the log and reading back from it.

use super::SegmentLimits;
use super::files::{read_line_at, segment_path, write_whole};
use super::index_set::IndexSet;
use super::record::{IdSpace, Line, Position, Record, StateRecord, id_hash};
use crate::link::VenueAccountKey;
use crate::paper::PaperError;
use bulkhead_domain::{Timestamp, VenueClientId};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Appends lines, finds and reads them again. Lines are buffered until [`Log::flush`].
#[derive(Debug)]
pub(in crate::paper) struct Log {
    dir: PathBuf,
    limits: SegmentLimits,
    segment: u32,
    path: PathBuf,
    file: File,
    /// Keeps other processes out of the directory.
    _lock: File,
    /// Length of the segment's first line.
    state_bytes: u64,
    /// Length of the current segment without what is buffered.
    written: u64,
    buffer: Vec<u8>,
    next_n: u64,
    /// Ids whose last line is in the current segment.
    closed: BTreeSet<(u64, Position)>,
    finished: IndexSet,
}

/// What recovery found of the current segment.
pub(super) struct Tail {
    pub(super) lock: File,
    pub(super) segment: u32,
    /// Unless the first line is the only one.
    pub(super) state_bytes: Option<u64>,
    pub(super) written: u64,
    pub(super) next_n: u64,
    pub(super) closed: BTreeSet<(u64, Position)>,
}

#[derive(Serialize)]
struct LineRef<'a> {
    n: u64,
    ts: Timestamp,
    #[serde(flatten)]
    record: &'a Record,
}

impl Log {
    pub(super) fn resume(
        (dir, limits): (&Path, SegmentLimits),
        tail: Tail,
        finished: IndexSet,
    ) -> Result<Self, PaperError> {
        let path = segment_path(dir, tail.segment);
        let file = open_append(&path)?;
        // Cuts off a torn last line.
        file.set_len(tail.written).map_err(|error| PaperError::io("truncate", &path, error))?;
        Ok(Self {
            dir: dir.to_owned(),
            limits,
            segment: tail.segment,
            path,
            file,
            _lock: tail.lock,
            state_bytes: tail.state_bytes.unwrap_or(tail.written),
            written: tail.written,
            buffer: Vec::new(),
            next_n: tail.next_n,
            closed: tail.closed,
            finished,
        })
    }

    /// Number of the next line.
    pub(in crate::paper) fn next_n(&self) -> u64 {
        self.next_n
    }

    /// Buffers a line.
    pub(in crate::paper) fn append(&mut self, ts: Timestamp, record: &Record) -> Position {
        let buffered = u64::try_from(self.buffer.len()).expect("usize fits in u64");
        let offset = u32::try_from(self.written + buffered).expect("segments end far below 4 GiB");
        let position = Position { segment: self.segment, offset };
        write_line(&mut self.buffer, &LineRef { n: self.next_n, ts, record });
        self.next_n += 1;
        if let Some(hash) = record.closes() {
            self.closed.insert((hash, position));
        }
        position
    }

    /// Hands what is buffered to the operating system: from here on it survives the end of this process.
    pub(in crate::paper) fn flush(&mut self) -> Result<(), PaperError> {
        if !self.buffer.is_empty() {
            self.file
                .write_all(&self.buffer)
                .map_err(|error| PaperError::io("append to", &self.path, error))?;
            self.written += u64::try_from(self.buffer.len()).expect("usize fits in u64");
            self.buffer.clear();
        }
        Ok(())
    }

    /// Makes every further write fail, as on a full disk.
    #[cfg(test)]
    pub(in crate::paper) fn fail_writes(&mut self) {
        self.file = File::open(&self.path).expect("the file is open already");
    }

    /// Whether the current segment should end.
    pub(in crate::paper) fn is_segment_full(&self) -> bool {
        // With very many open orders the first line alone may be longer than the limit: the rest is then let
        // grow as long, or every step would begin a segment.
        let bytes_max = self.limits.bytes_max.max(self.state_bytes);
        self.closed.len() >= self.limits.closed_max || self.written - self.state_bytes >= bytes_max
    }

    /// Ends the segment and begins the next with `state`.
    pub(in crate::paper) fn rotate(&mut self, ts: Timestamp, state: StateRecord) -> Result<(), PaperError> {
        self.flush()?;
        let entries: Vec<_> = self.closed.iter().copied().collect();
        self.finished.add(self.segment, &entries)?;
        let segment = self.segment + 1;
        let (path, written) = create_segment(&self.dir, segment, self.next_n, (ts, state))?;
        self.file = open_append(&path)?;
        self.path = path;
        self.segment = segment;
        self.written = written;
        self.state_bytes = written;
        self.next_n += 1;
        self.closed.clear();
        Ok(())
    }

    /// The last line of an id that is closed, wherever it is.
    pub(in crate::paper) fn find(
        &mut self,
        key: &VenueAccountKey,
        space: IdSpace,
        id: &VenueClientId,
    ) -> Result<Option<Line>, PaperError> {
        let hash = id_hash(key, space, id);
        let lowest = Position { segment: 0, offset: 0 };
        let highest = Position { segment: u32::MAX, offset: u32::MAX };
        let current = self.closed.range((hash, lowest)..=(hash, highest)).map(|(_, position)| *position);
        let mut candidates: Vec<Position> = current.collect();
        candidates.extend(self.finished.find(hash)?);
        for position in candidates {
            let line = self.read(position)?;
            if line.record.is_about(key, space, id) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// The line at a position.
    pub(in crate::paper) fn read(&mut self, position: Position) -> Result<Line, PaperError> {
        if position.segment != self.segment {
            let path = segment_path(&self.dir, position.segment);
            let file = File::open(&path).map_err(|error| PaperError::io("open", &path, error))?;
            return read_line_at(&file, &path, u64::from(position.offset));
        }
        if u64::from(position.offset) >= self.written {
            self.flush()?;
        }
        read_line_at(&self.file, &self.path, u64::from(position.offset))
    }
}

fn open_append(path: &Path) -> Result<File, PaperError> {
    let opened = OpenOptions::new().read(true).append(true).open(path);
    opened.map_err(|error| PaperError::io("open", path, error))
}

fn write_line(buffer: &mut Vec<u8>, line: &LineRef<'_>) {
    serde_json::to_writer(&mut *buffer, line)
        .expect("records have string keys and a vector takes every byte");
    buffer.push(b'\n');
}

/// Writes a segment that holds only its state line; returns its path and length.
pub(super) fn create_segment(
    dir: &Path,
    segment: u32,
    n: u64,
    (ts, state): (Timestamp, StateRecord),
) -> Result<(PathBuf, u64), PaperError> {
    let path = segment_path(dir, segment);
    let mut content = Vec::new();
    write_line(&mut content, &LineRef { n, ts, record: &Record::State(state) });
    write_whole(&path, &content)?;
    Ok((path, u64::try_from(content.len()).expect("usize fits in u64")))
}
