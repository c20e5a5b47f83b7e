//! Frames: eight bytes of header, then the body. A record holds whole frames only.

use super::{fault::Fault, limits::MAX_RECORD};
use crate::link::Class;

/// Bytes of a header.
pub(super) const HEADER: usize = 8;

/// Most bytes behind a header: the rest of a record.
pub(super) const MAX_BODY: usize = MAX_RECORD - HEADER;

/// More frames of this message follow.
pub(super) const MORE: u8 = 0x02;
/// The message's head has an extension.
pub(super) const EXTENDED: u8 = 0x08;
const HIGH: u8 = 0x20;
const LOW: u8 = 0x40;
const CLASS: u8 = HIGH | LOW;

/// The types of frames that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, in any length.
    Pad,
    /// The sender accepts its peer.
    Ready,
    /// What the sender is, wants and allows.
    Hello,
    /// The sender's last frame.
    GoAway,
    /// To be answered with a PONG of the same body.
    Ping,
    /// The answer, or a sign of life.
    Pong,
    /// The first or only frame of a message.
    Data,
    /// A further frame of a message.
    Cont,
    /// Not known here and passed over: types from 80 on.
    Extension(u8),
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            0x00 => Self::Pad,
            0x01 => Self::Ready,
            0x02 => Self::Hello,
            0x03 => Self::GoAway,
            0x04 => Self::Ping,
            0x05 => Self::Pong,
            0x11 => Self::Data,
            0x14 => Self::Cont,
            0x80.. => Self::Extension(byte),
            _ => return None,
        })
    }

    fn byte(self) -> u8 {
        match self {
            Self::Pad => 0x00,
            Self::Ready => 0x01,
            Self::Hello => 0x02,
            Self::GoAway => 0x03,
            Self::Ping => 0x04,
            Self::Pong => 0x05,
            Self::Data => 0x11,
            Self::Cont => 0x14,
            Self::Extension(byte) => byte,
        }
    }

    /// The flags that may be set.
    fn flags(self) -> u8 {
        match self {
            Self::Data => MORE | EXTENDED | CLASS,
            Self::Cont => MORE | CLASS,
            Self::Extension(_) => 0x7f,
            _ => 0,
        }
    }
}

/// The front of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub kind: Kind,
    /// Flags, as on the wire.
    pub flags: u8,
    /// Bytes behind the header.
    pub length: usize,
}

impl Header {
    /// Reads one.
    ///
    /// # Errors
    /// `protocol` for types and flags that are not spoken here, and for any stream but the default
    /// channel, 0.
    #[inline]
    pub fn parse(bytes: &[u8; 8]) -> Result<Self, Fault> {
        let [kind, flags, high, low, stream @ ..] = *bytes;
        let Some(kind) = Kind::of(kind) else {
            return Err(Fault::protocol("a frame's type is not spoken here"));
        };
        if flags & !kind.flags() != 0 || flags & CLASS == CLASS {
            return Err(Fault::protocol("a frame has flags that it must not have"));
        }
        if stream != [0; 4] && !matches!(kind, Kind::Extension(_)) {
            return Err(Fault::protocol("a frame is of a stream that is not open"));
        }
        Ok(Self {
            kind,
            flags,
            length: usize::from(u16::from_be_bytes([high, low])),
        })
    }

    /// The bytes of one on the default channel. Lengths are below 64 KiB, which fragments see to.
    #[inline]
    pub(super) fn bytes(&self) -> [u8; HEADER] {
        let length = u16::try_from(self.length).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        [self.kind.byte(), self.flags, high, low, 0, 0, 0, 0]
    }

    /// The class that the flags say.
    #[inline]
    pub(super) fn class(&self) -> Class {
        match self.flags & CLASS {
            HIGH => Class::High,
            LOW => Class::Low,
            _ => Class::Normal,
        }
    }

    /// Whether the message goes on in another frame.
    #[inline]
    pub(super) fn has_more(&self) -> bool {
        self.flags & MORE != 0
    }

    #[inline]
    pub(super) fn is_extended(&self) -> bool {
        self.flags & EXTENDED != 0
    }
}

/// The flag of a class.
#[inline]
pub(super) fn class_flag(class: Class) -> u8 {
    match class {
        Class::High => HIGH,
        Class::Normal => 0,
        Class::Low => LOW,
    }
}

/// Appends a frame that is no message.
pub(super) fn push(to: &mut Vec<u8>, kind: Kind, body: &[u8]) {
    let body = body.get(..MAX_BODY).unwrap_or(body);
    let header = Header {
        kind,
        flags: 0,
        length: body.len(),
    };
    to.extend_from_slice(&header.bytes());
    to.extend_from_slice(body);
}
