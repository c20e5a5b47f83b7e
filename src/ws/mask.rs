//! Masking (RFC 6455 §5.3): payload bytes combined with a key that repeats every four.

use std::cell::RefCell;

use crate::error::{Code, Error, Result};

/// A masking key.
pub type Key = [u8; 4];

/// Random bytes fetched at once: one system call for a thousand keys.
const POOL: usize = 4 * 1024;

thread_local! {
    /// A pool a thread, so that connections need none of their own and no lock.
    static KEYS: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// Masks or unmasks in place; the same either way. The first byte is the one at `offset` of the payload.
#[inline]
pub fn apply(bytes: &mut [u8], key: Key, offset: usize) {
    let mut key = key;
    key.rotate_left(offset % 4);
    let half = u64::from(u32::from_ne_bytes(key));
    let word = half << 32 | half;
    // The compiler makes the widest exclusive-or there is of this loop.
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for eight in words {
        *eight = (u64::from_ne_bytes(*eight) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// A key that nobody can predict, as §5.3 and §10.3 ask for.
///
/// # Errors
/// `Resources` when the system has no random bytes.
pub fn new_key() -> Result<Key> {
    KEYS.with_borrow_mut(Pool::next)
}

/// Sixteen random bytes, for the client's key of the opening handshake.
pub(super) fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    for four in bytes.chunks_exact_mut(4) {
        four.copy_from_slice(&new_key()?);
    }
    Ok(bytes)
}

struct Pool {
    bytes: [u8; POOL],
    used: usize,
}

impl Pool {
    const fn new() -> Self {
        Self {
            bytes: [0; POOL],
            used: POOL,
        }
    }

    fn next(&mut self) -> Result<Key> {
        if let Some(key) = self.bytes[self.used..].first_chunk() {
            self.used += key.len();
            return Ok(*key);
        }
        getrandom::fill(&mut self.bytes).map_err(no_random_bytes)?;
        self.used = 4;
        Ok([self.bytes[0], self.bytes[1], self.bytes[2], self.bytes[3]])
    }
}

#[cold]
fn no_random_bytes(error: getrandom::Error) -> Error {
    Error::new(
        Code::Resources,
        format!("the system gives no random bytes: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_offset_is_masked_as_the_rfc_says() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..200 {
            for offset in 0..9 {
                let mut bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
                apply(&mut bytes, key, offset);
                for (at, byte) in bytes.iter().enumerate() {
                    assert_eq!(*byte, at as u8 ^ key[(at + offset) % 4]);
                }
            }
        }
    }

    #[test]
    fn keys_differ() {
        let mut keys: Vec<Key> = (0..5_000).map(|_| new_key().unwrap()).collect();
        keys.sort_unstable();
        keys.dedup();
        // Some of 5,000 random 32-bit numbers may meet, not many.
        assert!(keys.len() > 4_980);
    }
}
