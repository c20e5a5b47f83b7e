//! The body of an answer that refuses: its beginning, for people to read (RFC 9112 §6 and §7.1).

use super::headers::{Headers, Occurs};

/// Most bytes kept.
const MAX_BODY: usize = 1024;

/// A body as far as it has come.
#[derive(Clone, Debug)]
pub(super) struct Body {
    kept: Vec<u8>,
    rest: Rest,
}

/// What is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// So many bytes; `usize::MAX` where the end of the stream is the end of the body.
    Bytes(usize),
    /// A line that begins with the size of a chunk; whether its digits are over.
    Size(usize, bool),
    /// So many bytes of a chunk.
    Chunk(usize),
    /// The line end behind a chunk.
    Gap,
}

impl Body {
    /// The body behind a head.
    pub(super) fn of(status: u16, headers: &Headers) -> Self {
        let length = match headers.only("content-length") {
            Occurs::Once(length) => std::str::from_utf8(length)
                .ok()
                .and_then(|length| length.parse().ok()),
            _ => None,
        };
        let rest = match status {
            204 | 304 => Rest::Bytes(0),
            _ if headers.has_token("transfer-encoding", "chunked") => Rest::Size(0, false),
            _ => Rest::Bytes(length.unwrap_or(usize::MAX)),
        };
        Self {
            kept: Vec::new(),
            rest,
        }
    }

    /// Whether it is whole, or as much of it as is kept.
    pub(super) fn is_done(&self) -> bool {
        self.rest == Rest::Bytes(0) || self.kept.len() >= MAX_BODY
    }

    /// Takes what came.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.is_done() {
                return;
            }
            self.rest = self.step(*byte);
        }
    }

    /// The beginning, at most 1 KiB.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.kept
    }

    fn step(&mut self, byte: u8) -> Rest {
        match self.rest {
            Rest::Bytes(left) => {
                self.kept.push(byte);
                Rest::Bytes(left - 1)
            }
            Rest::Chunk(left) => {
                self.kept.push(byte);
                match left {
                    1 => Rest::Gap,
                    left => Rest::Chunk(left - 1),
                }
            }
            Rest::Gap if byte == b'\n' => Rest::Size(0, false),
            Rest::Gap => Rest::Gap,
            // The last chunk is empty; what follows it is not for people.
            Rest::Size(0, _) if byte == b'\n' => Rest::Bytes(0),
            Rest::Size(size, _) if byte == b'\n' => Rest::Chunk(size),
            Rest::Size(size, is_over) => match char::from(byte).to_digit(16) {
                Some(digit) if !is_over => Rest::Size(
                    size.saturating_mul(16).saturating_add(digit as usize),
                    false,
                ),
                _ => Rest::Size(size, true),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(status: u16, name: &str, value: &str) -> Body {
        let value = value.as_bytes();
        Body::of(status, &Headers::of(&[httparse::Header { name, value }]))
    }

    #[test]
    fn the_end_is_known_by_length_chunks_or_size() {
        for (status, name, value, came, kept, done) in [
            (403, "Content-Length", "5", "", "", false),
            (403, "Content-Length", "5", "12345678", "12345", true),
            (403, "Content-Length", "0", "1", "", true),
            (403, "X", "y", "123", "123", false),
            (204, "X", "y", "123", "", true),
            (403, "Content-Length", "many", "1", "1", false),
        ] {
            let mut body = body(status, name, value);
            body.add(came.as_bytes());
            assert_eq!((body.bytes(), body.is_done()), (kept.as_bytes(), done));
        }
        let mut long = body(403, "X", "y");
        long.add(&[b'x'; 5000]);
        assert!(long.is_done());
        assert_eq!(long.bytes().len(), MAX_BODY);
    }

    #[test]
    fn chunks_are_put_together_however_they_come() {
        let bytes = b"3;name=value\r\nnot\r\nA\r\n with us !\r\n0\r\nX: y\r\n\r\n";
        for cut in 0..bytes.len() {
            let mut body = body(403, "Transfer-Encoding", "gzip, chunked");
            body.add(&bytes[..cut]);
            body.add(&bytes[cut..]);
            assert_eq!(body.bytes(), b"not with us !");
            assert!(body.is_done());
        }
        let mut endless = body(403, "Transfer-Encoding", "chunked");
        endless.add(&[b'f'; 100]);
        endless.add(b"\r\nabc");
        assert_eq!(endless.bytes(), b"abc");
    }
}
