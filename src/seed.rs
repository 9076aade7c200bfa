//! Named, counter-based random streams from one seed.
//!
//! A stage asks for `stream("sample/orders", block)` and gets a generator that depends on nothing
//! else: not on threads, not on what other stages drew before.

use rand::{SeedableRng, TryRng, rngs::SysRng};
use serde::{Deserialize, Serialize};

/// The random generator every stage draws from.
pub type Stream = rand_chacha::ChaCha8Rng;

/// The one seed of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(pub u64);

impl Default for Seed {
    fn default() -> Self {
        Self(42)
    }
}

impl Seed {
    /// Returns the stream called `name` for the `block`-th block of rows (or families, or columns).
    #[must_use]
    pub fn stream(self, name: &str, block: u64) -> Stream {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&self.0.to_le_bytes());
        key[8..16].copy_from_slice(&fnv1a(name.as_bytes(), 0xcbf2_9ce4_8422_2325).to_le_bytes());
        key[16..24].copy_from_slice(&fnv1a(name.as_bytes(), 0x9ae1_6a3b_2f90_404f).to_le_bytes());
        key[24..].copy_from_slice(&block.to_le_bytes());
        Stream::from_seed(key)
    }
}

/// What differential privacy draws its noise from: 128 bits that nobody may know. Whoever has them can take the noise
/// away again, so they are never shown and never stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(u64, u64);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Draws one from the operating system; `None` if it has no randomness to give.
    #[must_use]
    pub fn fresh() -> Option<Self> {
        let mut random = SysRng;
        Some(Self(random.try_next_u64().ok()?, random.try_next_u64().ok()?))
    }

    /// The same noise at every run: for tests. It is worth as much as the number is secret.
    #[must_use]
    pub fn fixed(number: u64) -> Self {
        Self(number, !number)
    }

    /// Returns the stream called `name`.
    #[must_use]
    pub fn stream(self, name: &str) -> Stream {
        Seed(self.0).stream(name, self.1)
    }
}

/// A place among `among` for an item, another one at every attempt: spreads donors over rows where the order of drawing
/// must not matter, so that no random stream will do. The factor is 2³² over the golden ratio.
/// Source: Knuth, The Art of Computer Programming, vol. 3, section 6.4.
///
/// # Panics
/// If `among` is 0.
#[must_use]
pub fn spread(item: usize, attempt: usize, among: usize) -> usize {
    item.wrapping_mul(0x9E37_79B9).wrapping_add(attempt.wrapping_mul(7919)) % among
}

/// A name of 32 hexadecimal digits for some bytes: the same for the same bytes, and hardly ever for others. It is no
/// secret-keeper: whoever can guess the bytes can check the guess.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    format!("{:016x}{:016x}", fnv1a(bytes, 0xcbf2_9ce4_8422_2325), fnv1a(bytes, 0x9ae1_6a3b_2f90_404f))
}

/// FNV-1a, 64 bit, with a chosen offset basis. Source: RFC 9923, section 2.
fn fnv1a(bytes: &[u8], basis: u64) -> u64 {
    bytes.iter().fold(basis, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{Secret, Seed};
    use rand::Rng;

    #[test]
    fn secrets_differ_and_are_not_shown() {
        let draw = |secret: Secret| secret.stream("noise").next_u64();

        assert_eq!(draw(Secret::fixed(7)), draw(Secret::fixed(7)));
        assert_ne!(draw(Secret::fixed(7)), draw(Secret::fixed(8)));
        assert_ne!(Secret::fresh().unwrap(), Secret::fresh().unwrap());
        assert_eq!(format!("{:?}", Secret::fixed(7)), "Secret");
    }

    #[test]
    fn streams_depend_on_seed_name_and_block_only() {
        let draw = |seed: u64, name, block| Seed(seed).stream(name, block).next_u64();

        assert_eq!(draw(1, "sample/a", 0), draw(1, "sample/a", 0));
        assert_ne!(draw(1, "sample/a", 0), draw(2, "sample/a", 0));
        assert_ne!(draw(1, "sample/a", 0), draw(1, "sample/b", 0));
        assert_ne!(draw(1, "sample/a", 0), draw(1, "sample/a", 1));
    }
}
