//! Header fields of the opening handshake: kept as received, looked up without regard to case, and
//! written only if they cannot be mistaken for something else (RFC 9110 §5).

use crate::error::{Code, Error, Result};

/// Most header fields of one head: as many as need no more than a few KiB to parse.
pub const MAX_HEADERS: usize = 100;

/// Most bytes of one head, request line included.
pub const MAX_HEAD: usize = 16 * 1024;

/// Fields that the handshake writes itself (RFC 6455 §4): nobody else may.
const OWN: [&str; 9] = [
    "connection",
    "upgrade",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "content-length",
    "transfer-encoding",
];

/// Header fields in their order; values are bytes, by convention Latin-1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    pub(super) fn of(fields: &[httparse::Header<'_>]) -> Self {
        let owned = |field: &httparse::Header<'_>| (field.name.to_owned(), field.value.to_owned());
        Self(fields.iter().map(owned).collect())
    }

    /// Names, as they were written, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The values of one name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The value of a name that occurs exactly once.
    pub fn only(&self, name: &str) -> Occurs<'_> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (None, _) => Occurs::Never,
            (Some(value), None) => Occurs::Once(value),
            _ => Occurs::Often,
        }
    }

    /// Whether one of the comma-separated values of a name is `token`.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How often a header field occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurs<'a> {
    /// It is missing.
    Never,
    /// It is there, with this value.
    Once(&'a [u8]),
    /// It is repeated.
    Often,
}

/// Bounds of a head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes, the empty line included.
    pub bytes: usize,
    /// Header lines.
    pub headers: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            bytes: MAX_HEAD,
            headers: MAX_HEADERS,
        }
    }
}

/// Where the head of a message ends, found once over however many reads it takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadSearch {
    /// Bytes in which no end begins.
    searched: usize,
}

impl HeadSearch {
    /// The length of the head at the front of `bytes`, its empty line included. `bytes` is what the
    /// last call had and more.
    pub fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        const END: &[u8] = b"\r\n\r\n";
        let fresh = bytes.get(self.searched..).unwrap_or_default();
        match fresh.windows(END.len()).position(|window| window == END) {
            Some(at) => Some(self.searched + at + END.len()),
            None => {
                self.searched = bytes.len().saturating_sub(END.len() - 1);
                None
            }
        }
    }
}

/// Whether this is a token (RFC 9110 §5.6.2): the name of a header field, a method, a subprotocol.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Appends fields that a user gives, each with its line end.
///
/// # Errors
/// `OptionInvalid` for names that are no token or that the handshake writes itself, and for values
/// that would end the line.
pub(super) fn write_extra(to: &mut Vec<u8>, fields: &[(&str, &[u8])]) -> Result<()> {
    for (name, value) in fields {
        if !is_token(name.as_bytes()) || OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(invalid(format!("the header {name:?} cannot be set")));
        }
        if !is_value(value) {
            return Err(invalid(format!(
                "the value of the header {name:?} has control characters"
            )));
        }
        write(to, name, value);
    }
    Ok(())
}

/// Appends one field.
pub(super) fn write(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        to.extend_from_slice(part);
    }
}

/// Whether bytes can stand in a field's value: no line ends, no NUL, no other controls but the tab.
pub(super) fn is_value(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| !byte.is_ascii_control() || *byte == b'\t')
}

/// The bytes of a field's value: one for each character, up to U+00FF (RFC 9110 §5.5).
///
/// # Errors
/// `OptionInvalid` for a value with other characters; the value itself is nobody's business.
pub(crate) fn latin1(name: &str, value: &str) -> Result<Vec<u8>> {
    let bytes = value.chars().map(|c| u8::try_from(u32::from(c)));
    bytes.collect::<std::result::Result<_, _>>().map_err(|_| {
        invalid(format!(
            "the value of the header {name:?} has characters above U+00FF"
        ))
    })
}

/// Whether a user may set a header so.
///
/// # Errors
/// As [`write_extra`] and [`latin1`].
pub(crate) fn check_field(name: &str, value: &str) -> Result<()> {
    write_extra(&mut Vec::new(), &[(name, &latin1(name, value)?)])
}

pub(super) fn invalid(what: impl Into<String>) -> Error {
    Error::new(Code::OptionInvalid, what)
}

pub(super) fn failed(why: impl Into<String>) -> Error {
    Error::new(Code::Handshake, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_wherever_the_reads_cut() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        for cut in 0..head.len() {
            let mut search = HeadSearch::default();
            let early = search.end(&head[..cut]);
            assert_eq!(early.is_some(), cut >= head.len() - 4, "{cut}");
            assert_eq!(search.end(head), Some(head.len() - 4));
        }
    }

    #[test]
    fn fields_that_would_smuggle_are_refused() {
        let mut to = Vec::new();
        for (name, value) in [
            ("a b", &b""[..]),
            ("", b""),
            ("x\r\ny", b""),
            ("x", b"1\r\nUpgrade: h2c"),
            ("x", b"1\n"),
            ("x", b"\0"),
            ("upGrade", b"websocket"),
            ("Sec-WebSocket-Key", b"x"),
            ("Content-Length", b"5"),
        ] {
            let error = write_extra(&mut to, &[(name, value)]).unwrap_err();
            assert_eq!(error.code(), Code::OptionInvalid);
        }
        assert!(to.is_empty());
        write_extra(&mut to, &[("X-Caf\u{65}", b"caf\xe9\tau lait")]).unwrap();
        assert_eq!(to, b"X-Cafe: caf\xe9\tau lait\r\n");
    }
}
