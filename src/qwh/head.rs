//! The head of a message: in its first frame, in front of the payload.

use super::{
    fault::Fault,
    frame::Header,
    limits::MAX_MESSAGE_EXTENSION,
    tlv::{self, Tlvs},
};

/// What stands in front of a message's payload, in its first frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Its bytes.
    pub(super) length: usize,
    /// Size of the message, where more frames follow.
    pub(super) total: Option<usize>,
}

impl Head {
    /// Reads one; `None` before it is whole.
    #[inline]
    pub(super) fn parse(header: &Header, body: &[u8]) -> Result<Option<Self>, Fault> {
        if !header.has_more() && !header.is_extended() {
            let head = Self {
                length: 0,
                total: None,
            };
            return Ok(Some(head));
        }
        Self::parse_fields(header, body)
    }

    fn parse_fields(header: &Header, body: &[u8]) -> Result<Option<Self>, Fault> {
        let (mut length, mut total) = (0, None);
        if header.has_more() {
            length += 4;
            check_head(header, length)?;
            let Some(bytes) = body.first_chunk::<4>() else {
                return Ok(None);
            };
            // No message is as large as what does not fit.
            total = Some(usize::try_from(u32::from_be_bytes(*bytes)).unwrap_or(usize::MAX));
        }
        if header.is_extended() {
            check_head(header, length + 2)?;
            let Some((bytes, rest)) = body.get(length..).and_then(<[u8]>::split_first_chunk::<2>)
            else {
                return Ok(None);
            };
            let extension = usize::from(u16::from_be_bytes(*bytes));
            length += 2 + extension;
            check_head(header, length)?;
            if extension > MAX_MESSAGE_EXTENSION {
                return Err(Fault::protocol("a message's extension is too long"));
            }
            let Some(extension) = rest.get(..extension) else {
                return Ok(None);
            };
            check_extension(extension)?;
        }
        Ok(Some(Self { length, total }))
    }
}

fn check_head(header: &Header, length: usize) -> Result<(), Fault> {
    match length > header.length {
        true => Err(Fault::protocol("a message's head is longer than its frame")),
        false => Ok(()),
    }
}

/// Nothing in it is known yet: odd types are passed over, even ones must not be.
fn check_extension(bytes: &[u8]) -> Result<(), Fault> {
    for tlv in Tlvs::new(bytes) {
        let (kind, _) = tlv.map_err(Fault::protocol)?;
        if !tlv::is_ignorable(kind) {
            return Err(Fault::protocol("a message needs what is not known here"));
        }
    }
    Ok(())
}
