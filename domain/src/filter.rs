//! A compact memory of every client order id a tenant ever used: "certainly new" or "ask the table".
//!
//! A scalable Bloom filter (Almeida et al., 2007): slices of doubling capacity, so that a new tenant costs
//! nothing and an old one about two bytes an id.

use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Ids the first slice holds; each further slice holds twice as many as the one before.
const FIRST_CAPACITY: u64 = 256;
/// With eight probes, sixteen bits an id give about one false "ask the table" in 1,700.
const BITS_PER_ID: u64 = 16;
const PROBES: u64 = 8;

/// The filter. False positives are possible, false negatives are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdFilter {
    slices: Vec<Slice>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Slice {
    capacity: u64,
    count: u64,
    #[serde(with = "base64_words")]
    words: Vec<u64>,
}

impl IdFilter {
    /// Whether `id` may have been inserted. `false` is certain.
    pub fn may_contain(&self, id: &str) -> bool {
        if self.slices.is_empty() {
            return false;
        }
        let hashes = hash(id);
        self.slices.iter().any(|slice| slice.contains(hashes))
    }

    /// Remembers `id`.
    pub fn insert(&mut self, id: &str) {
        let is_full = self.slices.last().is_none_or(|slice| slice.count >= slice.capacity);
        if is_full {
            let capacity = self.slices.last().map_or(FIRST_CAPACITY, |slice| slice.capacity * 2);
            self.slices.push(Slice::with_capacity(capacity));
        }
        if let Some(slice) = self.slices.last_mut() {
            slice.insert(hash(id));
        }
    }
}

impl Slice {
    fn with_capacity(capacity: u64) -> Self {
        let words = usize::try_from(capacity * BITS_PER_ID / 64).expect("a slice fits in memory");
        Self { capacity, count: 0, words: vec![0; words] }
    }

    fn contains(&self, hashes: (u64, u64)) -> bool {
        self.bits(hashes).all(|(word, mask)| self.words.get(word).is_some_and(|bits| bits & mask != 0))
    }

    fn insert(&mut self, hashes: (u64, u64)) {
        for (word, mask) in self.bits(hashes) {
            if let Some(bits) = self.words.get_mut(word) {
                *bits |= mask;
            }
        }
        self.count += 1;
    }

    /// The probed bits: double hashing (Kirsch and Mitzenmacher, 2006).
    fn bits(&self, (first, second): (u64, u64)) -> impl Iterator<Item = (usize, u64)> + use<> {
        let bit_count = (self.capacity * BITS_PER_ID).max(1);
        (0..PROBES).map(move |probe| {
            let bit = first.wrapping_add(probe.wrapping_mul(second)) % bit_count;
            (usize::try_from(bit / 64).expect("a slice fits in memory"), 1 << (bit % 64))
        })
    }
}

/// SHA-256, because the filter is stored and must mean the same in every build.
fn hash(id: &str) -> (u64, u64) {
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    let word = |offset: usize| {
        digest.iter().skip(offset).take(8).fold(0u64, |value, byte| (value << 8) | u64::from(*byte))
    };
    (word(0), word(8) | 1)
}

mod base64_words {
    use super::STANDARD_NO_PAD;
    use base64::Engine as _;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(words: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        Ok(bytes
            .chunks_exact(8)
            .map(|chunk| chunk.iter().rev().fold(0, |v, b| (v << 8) | u64::from(*b)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_forgets_and_rarely_errs() {
        let mut filter = IdFilter::default();
        for n in 0..20_000 {
            filter.insert(&format!("id-{n}"));
        }
        assert!((0..20_000).all(|n| filter.may_contain(&format!("id-{n}"))));
        let false_hits = (0..20_000).filter(|n| filter.may_contain(&format!("other-{n}"))).count();
        assert!(false_hits < 200, "{false_hits} false hits of 20,000");
    }

    #[test]
    fn survives_its_stored_form() {
        let mut filter = IdFilter::default();
        filter.insert("a");
        let stored = serde_json::to_string(&filter).unwrap();
        assert_eq!(serde_json::from_str::<IdFilter>(&stored).unwrap(), filter);
    }
}
