//! What every message contains, and the check that its reply contains exactly that.
//!
//! A payload is a stamp (sequence number and connection, both u32 little-endian) and a body that is
//! a window into one table of pseudo-random bytes. Where the window starts depends on both numbers,
//! so a reply that is late, early, torn, or another connection's cannot pass. Filling and checking
//! are one copy and one comparison: the generator must stay cheaper than the servers it drives.

/// Bytes of the stamp, and so the smallest payload.
pub const STAMP: usize = 8;

/// Number of different bodies. Prime, so that no power-of-two window walks onto the same body.
const PERIOD: usize = 251;

/// The messages of one run: all of one size.
pub struct Pattern {
    table: Box<[u8]>,
    size: usize,
}

impl Pattern {
    /// Messages of `size` bytes; `size` is at least [`STAMP`].
    pub fn new(size: usize) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let table = (0..size + PERIOD).map(|_| {
            // xorshift64: deterministic, and no two neighbouring bodies are alike.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        });
        Self {
            table: table.collect(),
            size,
        }
    }

    /// Appends the payload of one message to `output`.
    pub fn write(&self, output: &mut Vec<u8>, connection: u32, sequence: u32) {
        output.extend_from_slice(&sequence.to_le_bytes());
        output.extend_from_slice(&connection.to_le_bytes());
        output.extend_from_slice(self.body(connection, sequence));
    }

    /// Whether `payload` is exactly what [`Pattern::write`] made of these numbers.
    pub fn matches(&self, payload: &[u8], connection: u32, sequence: u32) -> bool {
        let Some((stamp, body)) = payload.split_first_chunk::<STAMP>() else {
            return false;
        };
        let wanted = u64::from(connection) << 32 | u64::from(sequence);
        u64::from_le_bytes(*stamp) == wanted && body == self.body(connection, sequence)
    }

    fn body(&self, connection: u32, sequence: u32) -> &[u8] {
        let start = connection.wrapping_mul(31).wrapping_add(sequence) as usize % PERIOD;
        &self.table[start..start + self.size - STAMP]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_is_noticed() {
        let pattern = Pattern::new(100);
        let mut payload = Vec::new();
        pattern.write(&mut payload, 3, 70_000);
        assert_eq!(payload.len(), 100);
        assert!(pattern.matches(&payload, 3, 70_000));
        for at in 0..payload.len() {
            payload[at] ^= 1;
            assert!(!pattern.matches(&payload, 3, 70_000), "byte {at}");
            payload[at] ^= 1;
        }
    }

    #[test]
    fn another_message_or_length_does_not_pass() {
        let pattern = Pattern::new(STAMP);
        let mut payload = Vec::new();
        pattern.write(&mut payload, 1, 2);
        assert!(pattern.matches(&payload, 1, 2));
        assert!(!pattern.matches(&payload, 2, 1));
        assert!(!pattern.matches(&payload, 1, 3));
        assert!(!pattern.matches(&payload[1..], 1, 2));
        assert!(!pattern.matches(&[&payload[..], b"x"].concat(), 1, 2));
    }
}
