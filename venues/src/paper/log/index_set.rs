//! All finished indexes. Many small ones are merged into one, so that a search asks few files.

use super::files::{index_path, indexes, scan, segment_path};
use super::index::{Entry, Index};
use super::record::Position;
use crate::paper::PaperError;
use std::fs;
use std::path::{Path, PathBuf};

/// So many indexes of single segments become one. Larger ones are left as they are: a merge holds the venue
/// up, and one file per million orders is few enough.
const MERGE_COUNT: usize = 16;

#[derive(Debug)]
pub(super) struct IndexSet {
    dir: PathBuf,
    indexes: Vec<Index>,
}

impl IndexSet {
    /// Opens the indexes of the segments before `current`, and builds what is missing.
    pub(super) fn open(dir: &Path, finished: &[u32]) -> Result<Self, PaperError> {
        let mut set = Self { dir: dir.to_owned(), indexes: Vec::new() };
        let mut covered: Option<u32> = None;
        for (first, last) in indexes(dir)? {
            let path = index_path(dir, first, last);
            let is_superseded = covered.is_some_and(|covered| last <= covered);
            let index = if is_superseded { None } else { Index::open(&path, (first, last))? };
            match index {
                Some(index) => {
                    covered = Some(last);
                    set.indexes.push(index);
                }
                None => fs::remove_file(&path).map_err(|error| PaperError::io("remove", &path, error))?,
            }
        }
        for segment in finished {
            if !set.indexes.iter().any(|index| (index.first..=index.last).contains(segment)) {
                let mut entries = Vec::new();
                scan(&segment_path(dir, *segment), *segment, |position, line| {
                    entries.extend(line.record.closes().map(|hash| (hash, position)));
                    Ok(())
                })?;
                entries.sort_unstable();
                set.add(*segment, &entries)?;
            }
        }
        Ok(set)
    }

    /// Adds the index of a segment that is finished.
    pub(super) fn add(&mut self, segment: u32, entries: &[Entry]) -> Result<(), PaperError> {
        let path = index_path(&self.dir, segment, segment);
        self.indexes.push(Index::create(&path, (segment, segment), entries)?);
        let is_single = |index: &&Index| index.first == index.last;
        if self.indexes.iter().rev().take_while(is_single).count() >= MERGE_COUNT {
            self.merge()?;
        }
        Ok(())
    }

    pub(super) fn find(&self, hash: u64) -> Result<Vec<Position>, PaperError> {
        let mut found = Vec::new();
        for index in &self.indexes {
            found.extend(index.find(hash)?);
        }
        Ok(found)
    }

    fn merge(&mut self) -> Result<(), PaperError> {
        let merged = self.indexes.split_off(self.indexes.len().saturating_sub(MERGE_COUNT));
        let (Some(first), Some(last)) = (merged.first(), merged.last()) else { return Ok(()) };
        let range = (first.first, last.last);
        let mut entries = Vec::new();
        for index in &merged {
            entries.extend(index.entries()?);
        }
        // Stable sorting is quick on what consists of sorted runs.
        entries.sort();
        self.indexes.push(Index::create(&index_path(&self.dir, range.0, range.1), range, &entries)?);
        for index in &merged {
            fs::remove_file(index.path()).map_err(|error| PaperError::io("remove", index.path(), error))?;
        }
        Ok(())
    }
}
