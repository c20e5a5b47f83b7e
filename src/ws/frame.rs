//! The header of a frame (RFC 6455 §5.2): read from bytes, written into bytes.
//!
//! What a header can break by itself is refused here, before any of the payload is looked at; what
//! depends on the frames before it is the decoder's.

use crate::error::{Code, Error, Result};

use super::mask::{self, Key};

/// Longest header: two bytes, a 64-bit length, a masking key.
pub const MAX_HEADER: usize = 14;

/// Longest payload of a control frame (§5.5).
pub const MAX_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_3: u8 = 0x30;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// Which end of the connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We accepted: what we receive is masked, what we send is not (§5.1).
    Server,
    /// We dialled: the other way round.
    Client,
}

/// What a frame is (§5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A further fragment of the message that is under way.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The last frame of one side.
    Close = 0x8,
    /// Asks for a pong.
    Ping = 0x9,
    /// Answers a ping, or says unasked that one is alive.
    Pong = 0xa,
}

impl Opcode {
    /// Whether frames of this kind stand between the fragments of a message, whole and small.
    pub const fn is_control(self) -> bool {
        self as u8 >= Self::Close as u8
    }

    const fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }
}

/// The header of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub opcode: Opcode,
    /// Whether it is the last one of its message.
    pub fin: bool,
    /// Whether it begins a compressed message (RFC 7692 §6).
    pub rsv1: bool,
    /// The masking key, if the payload is masked.
    pub mask: Option<Key>,
    /// Bytes of payload that follow.
    pub length: u64,
}

impl Header {
    /// The header at the front of `bytes` and its own length; `None` before it is whole.
    ///
    /// `role` is ours: a server takes masked frames only, a client unmasked ones. `compression` says
    /// whether permessage-deflate is agreed.
    ///
    /// # Errors
    /// `Protocol` as soon as a byte breaks a rule, though the header be not whole.
    #[inline]
    pub fn parse(bytes: &[u8], role: Role, compression: bool) -> Result<Option<(Self, usize)>> {
        let &[first, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        let opcode = check_first(first, compression)?;
        let &[second, ref rest @ ..] = rest else {
            return Ok(None);
        };
        check_second(opcode, second, role)?;
        let Some((length, rest)) = parse_length(second & LENGTH, rest)? else {
            return Ok(None);
        };
        let (mask, rest) = match role {
            Role::Client => (None, rest),
            Role::Server => match rest.split_first_chunk::<4>() {
                Some((key, rest)) => (Some(*key), rest),
                None => return Ok(None),
            },
        };
        let header = Self {
            opcode,
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            mask,
            length,
        };
        Ok(Some((header, bytes.len() - rest.len())))
    }

    /// Writes the header; gives the buffer and how much of it is used.
    #[inline]
    pub fn bytes(&self) -> ([u8; MAX_HEADER], usize) {
        let mut buffer = [0; MAX_HEADER];
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        buffer[0] =
            self.opcode as u8 | if self.fin { FIN } else { 0 } | if self.rsv1 { RSV1 } else { 0 };
        let mut used = match self.length {
            0..=125 => {
                buffer[1] = self.length as u8 | masked;
                2
            }
            126..=0xffff => {
                buffer[1] = 126 | masked;
                buffer[2..4].copy_from_slice(&(self.length as u16).to_be_bytes());
                4
            }
            _ => {
                buffer[1] = 127 | masked;
                buffer[2..10].copy_from_slice(&self.length.to_be_bytes());
                10
            }
        };
        if let Some(key) = self.mask {
            buffer[used..used + 4].copy_from_slice(&key);
            used += 4;
        }
        (buffer, used)
    }
}

/// Appends one frame that is a whole message or control frame, masked where there is a key.
pub fn write_frame(
    to: &mut Vec<u8>,
    mask: Option<Key>,
    opcode: Opcode,
    rsv1: bool,
    payload: &[u8],
) {
    let header = Header {
        opcode,
        fin: true,
        rsv1,
        mask,
        length: payload.len() as u64,
    };
    let (bytes, used) = header.bytes();
    to.reserve(used + payload.len());
    to.extend_from_slice(&bytes[..used]);
    let start = to.len();
    to.extend_from_slice(payload);
    if let Some(key) = mask {
        mask::apply(&mut to[start..], key, 0);
    }
}

#[inline]
fn check_first(first: u8, compression: bool) -> Result<Opcode> {
    if first & RSV2_3 != 0 {
        return Err(broken("a reserved bit is set, of no extension agreed"));
    }
    let Some(opcode) = Opcode::of(first & OPCODE) else {
        return Err(broken("the opcode is a reserved one"));
    };
    if first & RSV1 != 0 {
        let begins = matches!(opcode, Opcode::Text | Opcode::Binary);
        if !compression || !begins {
            return Err(broken("RSV1 is set where nothing can be compressed"));
        }
    }
    if first & FIN == 0 && opcode.is_control() {
        return Err(broken("a control frame is fragmented"));
    }
    Ok(opcode)
}

#[inline]
fn check_second(opcode: Opcode, second: u8, role: Role) -> Result<()> {
    match (role, second & MASKED != 0) {
        (Role::Server, false) => return Err(broken("a frame from a client is not masked")),
        (Role::Client, true) => return Err(broken("a frame from a server is masked")),
        _ => {}
    }
    if opcode.is_control() && usize::from(second & LENGTH) > MAX_CONTROL {
        return Err(broken("a control frame has more than 125 bytes"));
    }
    Ok(())
}

/// The length and what follows it; `None` before it is whole.
#[inline]
fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>> {
    Ok(match short {
        126 => match rest.split_first_chunk::<2>() {
            Some((bytes, rest)) => Some((minimal(u16::from_be_bytes(*bytes).into(), 126)?, rest)),
            None => None,
        },
        127 => parse_long_length(rest)?,
        _ => Some((short.into(), rest)),
    })
}

/// The 64-bit form, whose top bit must be 0.
fn parse_long_length(rest: &[u8]) -> Result<Option<(u64, &[u8])>> {
    if rest.first().is_some_and(|top| top & 0x80 != 0) {
        return Err(broken("the top bit of a 64-bit length is set"));
    }
    match rest.split_first_chunk::<8>() {
        Some((bytes, rest)) => Ok(Some((minimal(u64::from_be_bytes(*bytes), 0x1_0000)?, rest))),
        None => Ok(None),
    }
}

/// A length must be written in its shortest form.
#[inline]
fn minimal(length: u64, least: u64) -> Result<u64> {
    if length < least {
        return Err(broken("a length is not written in its shortest form"));
    }
    Ok(length)
}

/// A broken rule; in functions of its own to keep it out of the hot path.
#[cold]
pub(super) fn broken(rule: &str) -> Error {
    Error::new(Code::Protocol, rule)
}
