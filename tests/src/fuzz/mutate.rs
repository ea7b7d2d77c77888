//! A mutator that gives the same inputs every time, for toolchains without libFuzzer.

use crate::generated::Rng;

/// Longer inputs only take longer.
const MAX_BYTES: usize = 64 << 10;

/// Makes inputs out of others.
#[derive(Debug)]
pub struct Mutator<'a> {
    rng: Rng,
    seeds: &'a [Vec<u8>],
    dictionary: &'a [&'a str],
}

impl<'a> Mutator<'a> {
    /// `seeds` must not be empty.
    #[must_use]
    pub fn new(seeds: &'a [Vec<u8>], dictionary: &'a [&'a str]) -> Self {
        Self { rng: Rng::new(1), seeds, dictionary }
    }

    /// The next input: a seed after one to four changes.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut bytes = self.seed().to_vec();
        for _ in 0..=self.rng.below(4) {
            match self.rng.below(6) {
                0 => self.flip(&mut bytes),
                1 => self.overwrite(&mut bytes),
                2 => self.cut(&mut bytes),
                3 => self.splice(&mut bytes),
                4 => self.repeat(&mut bytes),
                _ => self.insert_token(&mut bytes),
            }
            bytes.truncate(MAX_BYTES);
        }
        bytes
    }

    fn seed(&mut self) -> &'a [u8] {
        &self.seeds[self.rng.below(self.seeds.len())]
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            bytes[self.rng.below(bytes.len())] ^= 1 << self.rng.below(8);
        }
    }

    /// Writes a number that readers of sizes may stumble over.
    fn overwrite(&mut self, bytes: &mut [u8]) {
        const NUMBERS: [u32; 6] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x0001_0000];
        let number = NUMBERS[self.rng.below(NUMBERS.len())].to_be_bytes();
        let start = self.rng.below(bytes.len() + 1);
        bytes[start..].iter_mut().zip(number).for_each(|(byte, new)| *byte = new);
    }

    fn cut(&mut self, bytes: &mut Vec<u8>) {
        let (start, end) = self.range(bytes.len());
        bytes.drain(start..end);
    }

    /// Continues with the rest of another seed.
    fn splice(&mut self, bytes: &mut Vec<u8>) {
        let other = self.seed();
        bytes.truncate(self.rng.below(bytes.len() + 1));
        bytes.extend_from_slice(&other[self.rng.below(other.len() + 1)..]);
    }

    fn repeat(&mut self, bytes: &mut Vec<u8>) {
        let (start, end) = self.range(bytes.len());
        let most = if self.rng.one_in(8) { 4096 } else { 8 };
        let times = 1 + self.rng.below(most);
        let piece = bytes[start..end].to_vec();
        let room = MAX_BYTES.saturating_sub(bytes.len()) / piece.len().max(1);
        bytes.splice(end..end, piece.repeat(times.min(room)));
    }

    fn insert_token(&mut self, bytes: &mut Vec<u8>) {
        let at = self.rng.below(bytes.len() + 1);
        let token = self.rng.choose(self.dictionary);
        bytes.splice(at..at, token.bytes());
    }

    /// Mostly a short one.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let start = self.rng.below(length + 1);
        let longest = if self.rng.one_in(4) { length - start } else { (length - start).min(64) };
        (start, start + self.rng.below(longest + 1))
    }
}
