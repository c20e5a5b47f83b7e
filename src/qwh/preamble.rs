//! The first bytes of a connection, before there are records: what the initiator wants to speak, and the
//! responder's answer.

use super::{
    fault::Fault,
    limits::{ANSWER, MAGIC, MAX_PREAMBLE_EXTENSION, MAX_ROUTE, PREAMBLE},
    tlv::{self, Tlvs},
};
use crate::close_code::CloseCode;

const KIND_PREAMBLE: u8 = 1;
const KIND_ACCEPT: u8 = 2;
const KIND_REJECT: u8 = 3;

/// TLV of the extension: the name of a virtual host.
const ROUTE: u8 = 3;

/// What protects the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing of ours: the carrier as it is.
    None = 0,
    /// TLS 1.3 below, bound to the session by its exporter.
    Outer = 2,
}

impl Security {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::None),
            2 => Some(Self::Outer),
            _ => None,
        }
    }
}

/// A range of protocol versions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The oldest, at least 1.
    pub min: u8,
    /// The newest.
    pub max: u8,
}

impl Versions {
    /// Whether this is a range of versions that exist.
    pub(super) fn is_range(self) -> bool {
        (1..=self.max).contains(&self.min)
    }

    /// The newest that both know.
    pub fn common(self, other: Self) -> Option<u8> {
        let version = self.max.min(other.max);
        (version >= self.min.max(other.min)).then_some(version)
    }
}

/// What an initiator begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preamble {
    /// What it wants to protect records with.
    pub security: Security,
    /// What it speaks; the same as in its HELLO.
    pub versions: Versions,
    /// The virtual host it wants, 1 to 255 bytes.
    pub route: Option<String>,
}

impl Preamble {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut extension = Vec::new();
        if let Some(route) = &self.route {
            tlv::push(&mut extension, ROUTE, route.as_bytes());
        }
        let length = u16::try_from(extension.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(PREAMBLE + extension.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[KIND_PREAMBLE, self.security as u8, 0, 0]);
        bytes.extend_from_slice(&[self.versions.min, self.versions.max, 0, 0]);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&extension);
        bytes
    }

    /// How many bytes a preamble has that begins with these, as far as they tell. What is wrong shows
    /// at its first byte, so that the peer of another protocol is refused before it sent much.
    ///
    /// # Errors
    /// The code to reject the peer with.
    pub fn length(bytes: &[u8]) -> Result<usize, Fault> {
        check_magic(bytes)?;
        let at = |index: usize| bytes.get(index).copied();
        if at(4).is_some_and(|kind| kind != KIND_PREAMBLE) {
            return Err(Fault::preamble("the first bytes are no preamble"));
        }
        if at(5).is_some_and(|byte| Security::of(byte).is_none()) {
            let reason = "this security is not spoken here";
            return Err(Fault::new(CloseCode::SECURITY, reason));
        }
        if bytes.iter().skip(6).take(2).any(|byte| *byte != 0) {
            let reason = "this pattern or suite is not spoken here";
            return Err(Fault::new(CloseCode::SUITE, reason));
        }
        if let (Some(min), Some(max)) = (at(8), at(9))
            && !(Versions { min, max }.is_range())
        {
            return Err(Fault::preamble("the versions are no range"));
        }
        if bytes.iter().skip(10).take(2).any(|byte| *byte != 0) {
            return Err(Fault::preamble("reserved bytes are not zero"));
        }
        let (Some(high), Some(low)) = (at(12), at(13)) else {
            return Ok(PREAMBLE);
        };
        let extension = usize::from(u16::from_be_bytes([high, low]));
        if extension > MAX_PREAMBLE_EXTENSION {
            return Err(Fault::preamble("the extension is too long"));
        }
        Ok(PREAMBLE + extension)
    }

    /// Reads a whole preamble.
    ///
    /// # Errors
    /// The code to reject the peer with.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let length = Self::length(bytes)?;
        let (Some((fixed, extension)), true) =
            (bytes.split_first_chunk::<PREAMBLE>(), bytes.len() == length)
        else {
            return Err(Fault::preamble("the preamble has not its length"));
        };
        let [_, _, _, _, _, security, _, _, min, max, ..] = *fixed;
        Ok(Self {
            security: Security::of(security).unwrap_or(Security::None),
            versions: Versions { min, max },
            route: parse_extension(extension)?,
        })
    }
}

fn parse_extension(bytes: &[u8]) -> Result<Option<String>, Fault> {
    let mut route = None;
    for tlv in Tlvs::new(bytes) {
        match tlv.map_err(Fault::preamble)? {
            (ROUTE, value) => match std::str::from_utf8(value) {
                Ok(text) if (1..=MAX_ROUTE).contains(&value.len()) => {
                    route = Some(text.to_owned());
                }
                _ => return Err(Fault::preamble("the route is no name")),
            },
            (kind, _) if tlv::is_ignorable(kind) => {}
            _ => {
                return Err(Fault::preamble(
                    "the extension needs what is not known here",
                ));
            }
        }
    }
    Ok(route)
}

/// What a responder answers to a preamble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The handshake goes on.
    Accept {
        /// What records will be protected with: what was offered, or nothing.
        security: Security,
    },
    /// It does not. Nobody vouches for this code: report it, and never retry with less security.
    Reject(CloseCode),
}

impl Answer {
    /// The bytes to send.
    pub fn encode(&self) -> [u8; ANSWER] {
        let [m0, m1, m2, m3] = MAGIC;
        match self {
            Self::Accept { security } => [m0, m1, m2, m3, KIND_ACCEPT, *security as u8, 0, 0],
            Self::Reject(code) => {
                let [high, low] = code.0.to_be_bytes();
                [m0, m1, m2, m3, KIND_REJECT, high, low, 0]
            }
        }
    }

    /// Reads the front of an answer; `None` before it is whole.
    ///
    /// # Errors
    /// `bad_preamble` for what is no answer, `security` and `suite` for one that was not asked for.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        check_magic(bytes)?;
        if let Some(kind) = bytes.get(4)
            && ![KIND_ACCEPT, KIND_REJECT].contains(kind)
        {
            return Err(Fault::preamble("the first bytes are no answer"));
        }
        let Some([_, _, _, _, kind, rest @ ..]) = bytes.first_chunk::<ANSWER>() else {
            return Ok(None);
        };
        let [first, second, third] = *rest;
        if *kind == KIND_REJECT {
            return match third {
                0 => Ok(Some(Self::Reject(CloseCode(u16::from_be_bytes([
                    first, second,
                ]))))),
                _ => Err(Fault::preamble("reserved bytes are not zero")),
            };
        }
        let Some(security) = Security::of(first) else {
            let reason = "the answer's security was not offered";
            return Err(Fault::new(CloseCode::SECURITY, reason));
        };
        if (second, third) != (0, 0) {
            let reason = "the answer's pattern or suite was not offered";
            return Err(Fault::new(CloseCode::SUITE, reason));
        }
        Ok(Some(Self::Accept { security }))
    }
}

fn check_magic(bytes: &[u8]) -> Result<(), Fault> {
    match bytes.iter().zip(MAGIC).all(|(byte, magic)| *byte == magic) {
        true => Ok(()),
        false => Err(Fault::preamble(
            "the first bytes are not those of this protocol",
        )),
    }
}
