//! Names of the log's files, and reading them.

use super::record::{Line, Position};
use crate::paper::PaperError;
use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Longer than almost every line, so that one read is enough.
const LINE_READ_BYTES: usize = 1024;

pub(super) fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("segment-{number:010}.jsonl"))
}

pub(super) fn index_path(dir: &Path, first: u32, last: u32) -> PathBuf {
    dir.join(format!("index-{first:010}-{last:010}.idx"))
}

fn names(dir: &Path) -> Result<Vec<String>, PaperError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| PaperError::io("list", dir, error))? {
        let entry = entry.map_err(|error| PaperError::io("list", dir, error))?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

/// The numbers of all segments, ascending.
pub(super) fn segments(dir: &Path) -> Result<Vec<u32>, PaperError> {
    let parse = |name: &String| name.strip_prefix("segment-")?.strip_suffix(".jsonl")?.parse().ok();
    let mut numbers: Vec<u32> = names(dir)?.iter().filter_map(parse).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The ranges of all index files, by first segment, the widest first.
pub(super) fn indexes(dir: &Path) -> Result<Vec<(u32, u32)>, PaperError> {
    let parse = |name: &String| {
        let (first, last) = name.strip_prefix("index-")?.strip_suffix(".idx")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    let mut ranges: Vec<(u32, u32)> = names(dir)?.iter().filter_map(parse).collect();
    ranges.sort_unstable_by_key(|(first, last)| (*first, u32::MAX - *last));
    Ok(ranges)
}

/// Takes the directory for this process, until the returned file is dropped.
pub(super) fn lock_dir(dir: &Path) -> Result<File, PaperError> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(|error| PaperError::io("create", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(PaperError::InUse { path: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(PaperError::io("lock", &path, error)),
    }
}

/// Writes a file that is either absent or whole.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), PaperError> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, content).map_err(|error| PaperError::io("write", &temporary, error))?;
    fs::rename(&temporary, path).map_err(|error| PaperError::io("rename", &temporary, error))
}

pub(super) fn parse_line(path: &Path, offset: u64, text: &[u8]) -> Result<Line, PaperError> {
    serde_json::from_slice(text).map_err(|error| PaperError::Corrupt {
        path: path.to_owned(),
        offset,
        detail: error.to_string(),
    })
}

/// The line that begins at `offset`.
pub(super) fn read_line_at(file: &File, path: &Path, offset: u64) -> Result<Line, PaperError> {
    let mut bytes = Vec::with_capacity(LINE_READ_BYTES);
    let mut chunk = [0u8; LINE_READ_BYTES];
    loop {
        let at = offset + u64::try_from(bytes.len()).expect("usize fits in u64");
        let count = file.read_at(&mut chunk, at).map_err(|error| PaperError::io("read", path, error))?;
        let fresh = chunk.get(..count).expect("a read returns at most the buffer's length");
        if let Some(end) = fresh.iter().position(|byte| *byte == b'\n') {
            bytes.extend_from_slice(fresh.get(..end).expect("the position lies within the slice"));
            return parse_line(path, offset, &bytes);
        }
        if count == 0 {
            return Err(PaperError::Corrupt {
                path: path.to_owned(),
                offset,
                detail: "no end of line".to_owned(),
            });
        }
        bytes.extend_from_slice(fresh);
    }
}

/// Calls `each` with every whole line of a segment and returns the length of the whole lines. A torn last
/// line ends the reading; anything else that is no record is an error.
pub(super) fn scan(
    path: &Path,
    segment: u32,
    mut each: impl FnMut(Position, Line) -> Result<(), PaperError>,
) -> Result<u64, PaperError> {
    let file = File::open(path).map_err(|error| PaperError::io("open", path, error))?;
    let mut reader = BufReader::new(file);
    let mut offset = 0u64;
    let mut text = Vec::new();
    loop {
        text.clear();
        let count =
            reader.read_until(b'\n', &mut text).map_err(|error| PaperError::io("read", path, error))?;
        if count == 0 || text.last() != Some(&b'\n') {
            return Ok(offset);
        }
        let line = match parse_line(path, offset, &text) {
            Ok(line) => line,
            Err(_) if is_at_end(&mut reader, path)? => return Ok(offset),
            Err(error) => return Err(error),
        };
        let start = u32::try_from(offset).expect("segments end far below 4 GiB");
        each(Position { segment, offset: start }, line)?;
        offset += u64::try_from(count).expect("usize fits in u64");
    }
}

fn is_at_end(reader: &mut BufReader<File>, path: &Path) -> Result<bool, PaperError> {
    let mut byte = [0u8; 1];
    let count = reader.read(&mut byte).map_err(|error| PaperError::io("read", path, error))?;
    Ok(count == 0)
}

/// Every line of the log in `dir`, in order; for checkers and tests, as it holds all of it in memory.
pub fn read_all(dir: &Path) -> Result<Vec<Line>, PaperError> {
    let mut lines = Vec::new();
    for segment in segments(dir)? {
        scan(&segment_path(dir, segment), segment, |_, line| {
            lines.push(line);
            Ok(())
        })?;
    }
    Ok(lines)
}
