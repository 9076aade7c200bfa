//! Cheap noise for training: dropout masks and coins, millions per step.

use rand::Rng;

use crate::seed::Stream;

/// A fast generator seeded from a named stream (xorshift64*). Drawing masks from ChaCha itself would cost as
/// much as the matrix products they are for.
///
/// Source: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016.
#[derive(Debug, Clone)]
pub struct Noise {
    state: u64,
}

impl Noise {
    /// Starts from a stream.
    #[must_use]
    pub fn new(stream: &mut Stream) -> Self {
        Self { state: stream.next_u64() | 1 }
    }

    /// Returns 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns true with probability `probability`.
    pub fn coin(&mut self, probability: f32) -> bool {
        ((self.bits() >> 40) as f32) < probability * 16_777_216.0
    }

    /// Returns a number below `bound` (at least 1).
    pub fn below(&mut self, bound: usize) -> usize {
        (((self.bits() >> 32) * bound.max(1) as u64) >> 32) as usize
    }

    /// Returns `length` factors: 0 with probability `rate`, else the scale that keeps the mean at 1. The rate is
    /// rounded to 1/256, so that one draw makes eight factors.
    pub fn keep_mask(&mut self, length: usize, rate: f32) -> Vec<f32> {
        let dropped = (rate.clamp(0.0, 0.99) * 256.0).round() as u64;
        let scale = 256.0 / (256 - dropped) as f32;
        let mut mask = Vec::with_capacity(length + 8);
        while mask.len() < length {
            let bits = self.bits();
            mask.extend((0..8).map(|byte| if (bits >> (8 * byte)) & 255 < dropped { 0.0 } else { scale }));
        }
        mask.truncate(length);
        mask
    }

    /// Shuffles `items` (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
