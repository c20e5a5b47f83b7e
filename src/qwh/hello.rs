//! HELLO: what an endpoint is, wants and allows.

use super::{
    extension::{self, Extension},
    fault::Fault,
    limits::{MAX_CODEC, MAX_EXTENSION_BYTES, MAX_EXTENSIONS, MAX_HELLO},
    meta,
    preamble::Versions,
    tlv::{self, Tlvs},
};
use crate::close_code::CloseCode;

/// The types of TLVs that are known. The even ones of later versions are not: they must not come.
mod kind {
    pub(super) const META: u8 = 5;
    pub(super) const VERSION: u8 = 6;
    pub(super) const TRACE: u8 = 7;
    pub(super) const CODEC: u8 = 9;
    pub(super) const CAPS: u8 = 10;
    pub(super) const LIMITS: u8 = 12;
    pub(super) const SESSION: u8 = 16;
}

/// What an endpoint says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Versions of the protocol that it speaks.
    pub versions: Versions,
    /// Capabilities it has: bits of [`caps`](super::caps).
    pub offered: u64,
    /// Those of them without which it does not want the connection.
    pub required: u64,
    /// What the other end may send to it.
    pub limits: PeerLimits,
    /// The name of its codec, 1 to 32 bytes; both ends must have the same.
    pub codec: String,
    /// Which session this is.
    pub session: Option<Session>,
    /// A JSON object of at most 4 KiB and eight levels.
    pub meta: Option<String>,
    /// A trace context: trace id (16), span id (8), flags (1).
    pub trace: Option<[u8; 25]>,
    /// What the protocol does not know, in ascending order of types.
    pub extensions: Vec<Extension>,
}

/// What an endpoint lets its peer send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    /// Largest message, bytes, at least 1.
    pub max_message: u32,
    /// First credit of a stream, bytes; means nothing without the capability `flow`.
    pub stream_window: u32,
    /// First credit of the connection, bytes; as above.
    pub connection_window: u32,
    /// Most streams open at once; as above.
    pub max_streams: u16,
    /// It ends the connection if nothing at all comes for so long, milliseconds; 0 is never.
    pub idle_ms: u32,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            max_message: 4 * 1024 * 1024,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            max_streams: 256,
            idle_ms: 0,
        }
    }
}

/// The session of a connection, as the two ends speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// The initiator's wish.
    Wish {
        /// A random identifier of its own, or that of the session it wants back.
        sid: [u8; 16],
        /// 0, or the epoch of the session it wants back.
        epoch: u32,
        /// Zeros, or the token of the session it wants back.
        token: [u8; 32],
    },
    /// The responder's answer.
    Answer {
        /// 0 new, 1 resumed, 2 lost.
        result: u8,
        /// The session's identifier, random.
        sid: [u8; 16],
        /// How often it was resumed.
        epoch: u32,
    },
}

/// The largest `result` of a session's answer.
const LAST_RESULT: u8 = 2;

impl Hello {
    /// The TLVs to send, as the initiator or the responder.
    ///
    /// # Errors
    /// What a peer would answer, if it is not within the limits.
    pub fn encode(&self, from_initiator: bool) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        if let Some(meta) = &self.meta {
            tlv::push(&mut bytes, kind::META, meta.as_bytes());
        }
        tlv::push(
            &mut bytes,
            kind::VERSION,
            &[self.versions.min, self.versions.max],
        );
        if let Some(trace) = &self.trace {
            tlv::push(&mut bytes, kind::TRACE, trace);
        }
        tlv::push(&mut bytes, kind::CODEC, self.codec.as_bytes());
        let caps = [self.offered, self.required].map(u64::to_be_bytes);
        tlv::push(&mut bytes, kind::CAPS, caps.as_flattened());
        tlv::push(&mut bytes, kind::LIMITS, &self.limits.encode());
        if let Some(session) = &self.session {
            tlv::push(&mut bytes, kind::SESSION, &session.encode());
        }
        for extension in &self.extensions {
            tlv::push(&mut bytes, extension.kind, &extension.encode());
        }
        // What we would not accept we do not send; and what would not arrive as it is.
        match Self::parse(&bytes, from_initiator)? == *self {
            true => Ok(bytes),
            false => Err(Fault::protocol("the HELLO does not arrive as it is")),
        }
    }

    /// Reads the TLVs of a peer, which is the initiator or the responder.
    ///
    /// # Errors
    /// The code to end the handshake with.
    pub fn parse(bytes: &[u8], from_initiator: bool) -> Result<Self, Fault> {
        if bytes.len() > MAX_HELLO {
            return Err(Fault::new(CloseCode::TOO_BIG, "the HELLO is too long"));
        }
        let mut parts = Parts::default();
        for tlv in Tlvs::new(bytes) {
            let (kind, value) = tlv.map_err(Fault::protocol)?;
            parts.take(kind, value, from_initiator)?;
        }
        parts.finish()
    }
}

/// A HELLO as it comes.
#[derive(Default)]
struct Parts {
    versions: Option<Versions>,
    caps: Option<(u64, u64)>,
    limits: Option<PeerLimits>,
    codec: Option<String>,
    session: Option<Session>,
    meta: Option<String>,
    trace: Option<[u8; 25]>,
    extensions: Vec<Extension>,
    extension_bytes: usize,
}

impl Parts {
    fn take(&mut self, kind: u8, value: &[u8], from_initiator: bool) -> Result<(), Fault> {
        match kind {
            kind::META => self.meta = Some(meta::check(value)?.to_owned()),
            kind::VERSION => self.versions = Some(parse_versions(value)?),
            kind::TRACE => {
                let wrong = || Fault::protocol("the trace has not 25 bytes");
                self.trace = Some(value.try_into().map_err(|_| wrong())?);
            }
            kind::CODEC => self.codec = Some(parse_codec(value)?),
            kind::CAPS => self.caps = Some(parse_caps(value)?),
            kind::LIMITS => self.limits = Some(PeerLimits::parse(value)?),
            kind::SESSION => self.session = Some(Session::parse(value, from_initiator)?),
            extension::FIRST.. => self.take_extension(kind, value)?,
            kind if tlv::is_ignorable(kind) => {}
            _ => return Err(Fault::protocol("the HELLO needs what is not known here")),
        }
        Ok(())
    }

    fn take_extension(&mut self, kind: u8, value: &[u8]) -> Result<(), Fault> {
        self.extension_bytes += value.len();
        if self.extensions.len() == MAX_EXTENSIONS || self.extension_bytes > MAX_EXTENSION_BYTES {
            return Err(Fault::protocol("there are too many extensions"));
        }
        self.extensions.push(Extension::parse(kind, value)?);
        Ok(())
    }

    fn finish(self) -> Result<Hello, Fault> {
        let (Some(versions), Some((offered, required)), Some(limits), Some(codec)) =
            (self.versions, self.caps, self.limits, self.codec)
        else {
            return Err(Fault::protocol("the HELLO lacks what it must have"));
        };
        Ok(Hello {
            versions,
            offered,
            required,
            limits,
            codec,
            session: self.session,
            meta: self.meta,
            trace: self.trace,
            extensions: self.extensions,
        })
    }
}

fn parse_versions(value: &[u8]) -> Result<Versions, Fault> {
    if let [min, max] = *value {
        let versions = Versions { min, max };
        if versions.is_range() {
            return Ok(versions);
        }
    }
    Err(Fault::protocol("the versions are no range"))
}

fn parse_codec(value: &[u8]) -> Result<String, Fault> {
    match std::str::from_utf8(value) {
        Ok(text) if (1..=MAX_CODEC).contains(&value.len()) => Ok(text.to_owned()),
        _ => Err(Fault::protocol("the codec has no name")),
    }
}

fn parse_caps(value: &[u8]) -> Result<(u64, u64), Fault> {
    let mut fields = Fields(value);
    let caps = (|| Some((fields.u64()?, fields.u64()?)))();
    fields.finish(caps, "the capabilities have not 16 bytes")
}

impl PeerLimits {
    fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(18);
        bytes.extend_from_slice(&self.max_message.to_be_bytes());
        bytes.extend_from_slice(&self.stream_window.to_be_bytes());
        bytes.extend_from_slice(&self.connection_window.to_be_bytes());
        bytes.extend_from_slice(&self.max_streams.to_be_bytes());
        bytes.extend_from_slice(&self.idle_ms.to_be_bytes());
        bytes
    }

    fn parse(value: &[u8]) -> Result<Self, Fault> {
        let mut fields = Fields(value);
        let limits = (|| {
            Some(Self {
                max_message: fields.u32()?,
                stream_window: fields.u32()?,
                connection_window: fields.u32()?,
                max_streams: fields.u16()?,
                idle_ms: fields.u32()?,
            })
        })();
        let limits = fields.finish(limits, "the limits have not 18 bytes")?;
        match limits.max_message {
            0 => Err(Fault::protocol("the limits allow no message")),
            _ => Ok(limits),
        }
    }
}

impl Session {
    fn encode(self) -> Vec<u8> {
        match self {
            Self::Wish { sid, epoch, token } => [&sid[..], &epoch.to_be_bytes(), &token].concat(),
            Self::Answer { result, sid, epoch } => {
                [&[result][..], &sid, &epoch.to_be_bytes()].concat()
            }
        }
    }

    fn parse(value: &[u8], from_initiator: bool) -> Result<Self, Fault> {
        let mut fields = Fields(value);
        let session = match from_initiator {
            true => (|| {
                Some(Self::Wish {
                    sid: fields.bytes()?,
                    epoch: fields.u32()?,
                    token: fields.bytes()?,
                })
            })(),
            false => (|| {
                let [result] = fields.bytes()?;
                (result <= LAST_RESULT).then_some(())?;
                Some(Self::Answer {
                    result,
                    sid: fields.bytes()?,
                    epoch: fields.u32()?,
                })
            })(),
        };
        fields.finish(session, "the session is malformed")
    }
}

/// Fields of fixed lengths, one behind the other, with nothing behind the last.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_be_bytes)
    }

    fn finish<T>(self, value: Option<T>, wrong: &'static str) -> Result<T, Fault> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Fault::protocol(wrong)),
        }
    }
}
