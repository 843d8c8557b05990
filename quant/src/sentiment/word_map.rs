//! A map from lower-case words that is asked with words of any case, without an allocation for plain ASCII.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// No key is longer; a test holds it.
const KEY_BYTES_MAX: usize = 64;

/// Values by word. All keys come from the lexicons, so nobody can make them collide on purpose, and the hash may be
/// a quick one.
#[derive(Debug, Default)]
pub(super) struct WordMap<V> {
    values: HashMap<&'static str, V, BuildHasherDefault<WordHasher>>,
}

impl<V: Copy> WordMap<V> {
    /// The value to write to, made with `V::default` if there is none.
    pub(super) fn entry(&mut self, word: &'static str) -> &mut V
    where
        V: Default,
    {
        debug_assert!(word.len() <= KEY_BYTES_MAX, "{word} fits");
        self.values.entry(word).or_default()
    }

    /// The value of exactly this word.
    pub(super) fn get(&self, word: &str) -> Option<V> {
        self.values.get(word).copied()
    }

    /// The value of this word in lower case, by the rules of Unicode.
    pub(super) fn get_folded(&self, word: &str) -> Option<V> {
        if !word.is_ascii() {
            return self.get(&word.to_lowercase());
        }
        let mut buffer = [0; KEY_BYTES_MAX];
        let folded = buffer.get_mut(..word.len())?;
        folded.copy_from_slice(word.as_bytes());
        folded.make_ascii_lowercase();
        self.get(std::str::from_utf8(folded).ok()?)
    }

    /// Number of words.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

/// Eight bytes at a time: exclusive or, multiply, fold the high half down (the step of wyhash, Wang Yi 2019).
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct WordHasher {
    state: u64,
}

impl WordHasher {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    #[expect(clippy::cast_possible_truncation, reason = "the two halves are meant")]
    fn mix(&mut self, bits: u64) {
        let product = u128::from(self.state ^ bits ^ Self::FACTOR) * u128::from(Self::FACTOR);
        self.state = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(last));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}
