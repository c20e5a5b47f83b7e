//! Parts of a HELLO that the protocol does not know: named, so that two programs can agree on them.

use super::fault::Fault;

/// The first type of an extension. An even one must be understood: the peer has to have one of the same
/// name, or the handshake fails.
pub(super) const FIRST: u8 = 129;

/// A named part of a HELLO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// From 129 to 255; even if the peer must know the name.
    pub kind: u8,
    /// A reverse domain name: letters, digits, `.`, `-` and `_`, 1 to 255 bytes.
    pub name: String,
    /// Any bytes.
    pub value: Vec<u8>,
}

impl Extension {
    pub(super) fn encode(&self) -> Vec<u8> {
        let length = u8::try_from(self.name.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![length];
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend_from_slice(&self.value);
        bytes
    }

    pub(super) fn parse(kind: u8, bytes: &[u8]) -> Result<Self, Fault> {
        let wrong = || Fault::protocol("an extension has no name");
        let (length, rest) = bytes.split_first().ok_or_else(wrong)?;
        let (name, value) = rest
            .split_at_checked(usize::from(*length))
            .ok_or_else(wrong)?;
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
        match std::str::from_utf8(name) {
            Ok(text) if !name.is_empty() && name.iter().all(allowed) => Ok(Self {
                kind,
                name: text.to_owned(),
                value: value.to_vec(),
            }),
            _ => Err(wrong()),
        }
    }

    pub(super) fn must_be_known(&self) -> bool {
        self.kind.is_multiple_of(2)
    }
}
