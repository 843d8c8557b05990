//! One sorted index file: which line is the last word on an id. Searched on disk, with a small filter in
//! memory that keeps most searches away from it.

use super::files::write_whole;
use super::record::Position;
use crate::paper::PaperError;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"bhidx001";
const HEADER_BYTES: u64 = 16;
const ENTRY_BYTES: usize = 16;
/// Entries that are read at once when a search ends: one page.
const BLOCK_ENTRIES: u64 = 256;
/// Bits of filter per id; about 3 in 100 ids that are not there need a read.
const FILTER_BITS_PER_ENTRY: usize = 8;
const FILTER_PROBES: u32 = 4;

/// An id's hash and where its last line is; ordered by hash.
pub(super) type Entry = (u64, Position);

/// A finished index over the segments `first..=last`.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) first: u32,
    pub(super) last: u32,
    path: PathBuf,
    file: File,
    count: u64,
    filter: Filter,
}

impl Index {
    /// Writes `entries`, sorted by hash, and opens the result.
    pub(super) fn create(path: &Path, range: (u32, u32), entries: &[Entry]) -> Result<Self, PaperError> {
        let mut content = Vec::with_capacity(ENTRY_BYTES * (entries.len() + 1));
        content.extend_from_slice(MAGIC);
        content.extend_from_slice(&u64::try_from(entries.len()).expect("usize fits in u64").to_be_bytes());
        for (hash, position) in entries {
            content.extend_from_slice(&hash.to_be_bytes());
            content.extend_from_slice(&position.segment.to_be_bytes());
            content.extend_from_slice(&position.offset.to_be_bytes());
        }
        write_whole(path, &content)?;
        Self::from_entries(path, range, entries)
    }

    fn from_entries(path: &Path, (first, last): (u32, u32), entries: &[Entry]) -> Result<Self, PaperError> {
        let file = File::open(path).map_err(|error| PaperError::io("open", path, error))?;
        let count = u64::try_from(entries.len()).expect("usize fits in u64");
        Ok(Self { first, last, path: path.to_owned(), file, count, filter: Filter::new(entries) })
    }

    /// Opens a file; `None` when it is not a whole index and has to be rebuilt.
    pub(super) fn open(path: &Path, range: (u32, u32)) -> Result<Option<Self>, PaperError> {
        let content = std::fs::read(path).map_err(|error| PaperError::io("read", path, error))?;
        let Some((header, body)) = content.split_at_checked(ENTRY_BYTES) else { return Ok(None) };
        let count = u64::try_from(body.len() / ENTRY_BYTES).expect("usize fits in u64");
        let is_whole = header.starts_with(MAGIC) && header.ends_with(&count.to_be_bytes());
        if !is_whole || !body.len().is_multiple_of(ENTRY_BYTES) {
            return Ok(None);
        }
        Self::from_entries(path, range, &decode(body)).map(Some)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// All entries, sorted.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, PaperError> {
        self.read(0, self.count)
    }

    /// Where ids with this hash have their last lines; usually none or one.
    pub(super) fn find(&self, hash: u64) -> Result<Vec<Position>, PaperError> {
        if !self.filter.may_contain(hash) {
            return Ok(Vec::new());
        }
        let (mut low, mut high) = (0, self.count);
        while high - low > BLOCK_ENTRIES {
            let middle = low + (high - low) / 2;
            let before = self.read(middle, 1)?.first().is_some_and(|(found, _)| *found < hash);
            if before { low = middle } else { high = middle + 1 }
        }
        // Equal hashes may run past the block, so reading goes on while the last one read is still equal.
        let mut found = Vec::new();
        while low < self.count {
            let block = self.read(low, BLOCK_ENTRIES.min(self.count - low))?;
            found.extend(block.iter().filter(|(entry, _)| *entry == hash).map(|(_, position)| *position));
            if block.last().is_none_or(|(entry, _)| *entry > hash) {
                break;
            }
            low += BLOCK_ENTRIES;
        }
        Ok(found)
    }

    fn read(&self, from: u64, count: u64) -> Result<Vec<Entry>, PaperError> {
        let entry_bytes = u64::try_from(ENTRY_BYTES).expect("16 fits in u64");
        let length = usize::try_from(count * entry_bytes).expect("an index is far smaller than memory");
        let mut bytes = vec![0u8; length];
        self.file
            .read_exact_at(&mut bytes, HEADER_BYTES + from * entry_bytes)
            .map_err(|error| PaperError::io("read", &self.path, error))?;
        Ok(decode(&bytes))
    }
}

fn decode(bytes: &[u8]) -> Vec<Entry> {
    let word = |chunk: &[u8]| chunk.iter().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
    let half = |chunk: &[u8]| chunk.iter().fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
    let entry = |chunk: &[u8]| {
        let (hash, place) = chunk.split_at(8);
        let (segment, offset) = place.split_at(4);
        (word(hash), Position { segment: half(segment), offset: half(offset) })
    };
    bytes.chunks_exact(ENTRY_BYTES).map(entry).collect()
}

/// A Bloom filter whose probes for one id share a cache line.
#[derive(Debug)]
struct Filter {
    blocks: Vec<[u64; 8]>,
}

impl Filter {
    fn new(entries: &[Entry]) -> Self {
        let block_count = (entries.len() * FILTER_BITS_PER_ENTRY).div_ceil(512).max(1);
        let mut filter = Self { blocks: vec![[0; 8]; block_count] };
        for (hash, _) in entries {
            let block_index = filter.block_of(*hash);
            let block = filter.blocks.get_mut(block_index).expect("a remainder of the length is within it");
            for (word, bit) in probes(*hash) {
                *block.get_mut(word).expect("three bits index eight words") |= bit;
            }
        }
        filter
    }

    fn may_contain(&self, hash: u64) -> bool {
        let block = self.blocks.get(self.block_of(hash)).expect("a remainder of the length is within it");
        probes(hash).all(|(word, bit)| block.get(word).expect("three bits index eight words") & bit != 0)
    }

    fn block_of(&self, hash: u64) -> usize {
        let count = u64::try_from(self.blocks.len()).expect("usize fits in u64");
        usize::try_from((hash >> 36) % count).expect("smaller than a length")
    }
}

fn probes(hash: u64) -> impl Iterator<Item = (usize, u64)> {
    (0..FILTER_PROBES).map(move |probe| {
        let nine_bits = (hash >> (9 * probe)) & 511;
        (usize::try_from(nine_bits >> 6).expect("three bits"), 1u64 << (nine_bits & 63))
    })
}
