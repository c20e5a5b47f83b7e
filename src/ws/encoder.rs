//! The sending half: messages to frames.

use crate::error::Result;

use super::{
    close::{CloseFrame, payload},
    deflate::{Deflater, Params},
    frame::{Header, Opcode, Role, write_frame},
    mask,
};

/// What is compressed, and how, where both ends agreed to.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    /// Messages of fewer bytes are sent as they are.
    pub threshold: usize,
    /// zlib's level, 1 to 9.
    pub level: u32,
}

/// Makes frames of one connection's messages: each is one frame.
#[derive(Debug)]
pub struct Encoder {
    role: Role,
    compressor: Option<Box<Compressor>>,
}

/// What compresses, of an end that does.
#[derive(Debug)]
struct Compressor {
    deflater: Deflater,
    threshold: usize,
}

impl Encoder {
    /// One that compresses as `params` were agreed on.
    pub fn new(role: Role, agreed: Option<(Params, Compression)>) -> Self {
        let compressor = agreed.and_then(|(params, Compression { threshold, level })| {
            let deflater = Deflater::new(params.ours(role), level)?;
            Some(Box::new(Compressor {
                deflater,
                threshold,
            }))
        });
        Self { role, compressor }
    }

    /// Whether some messages are compressed.
    pub fn compresses(&self) -> bool {
        self.compressor.is_some()
    }

    /// Whether every payload goes out as it is: neither masked nor compressed.
    pub fn is_plain(&self) -> bool {
        self.role == Role::Server && self.compressor.is_none()
    }

    /// Appends the frame of a message.
    ///
    /// # Errors
    /// `Resources` when the system has no random bytes, `Internal` if the compressor fails.
    pub fn frame(&mut self, message: &[u8], is_text: bool, to: &mut Vec<u8>) -> Result<()> {
        let mask = self.mask()?;
        match self.compressor.as_deref_mut() {
            Some(Compressor {
                deflater,
                threshold,
            }) if message.len() >= *threshold => {
                let mut compressed = Vec::new();
                deflater.compress(message, &mut compressed)?;
                write_frame(to, mask, opcode(is_text), true, &compressed);
            }
            _ => write_frame(to, mask, opcode(is_text), false, message),
        }
        Ok(())
    }

    /// Appends the header of a frame whose payload [goes out as it is](Self::is_plain).
    pub fn header(&self, length: usize, is_text: bool, to: &mut Vec<u8>) {
        let header = Header {
            opcode: opcode(is_text),
            fin: true,
            rsv1: false,
            mask: None,
            length: length as u64,
        };
        let (bytes, used) = header.bytes();
        to.extend_from_slice(&bytes[..used]);
    }

    /// A close frame.
    ///
    /// # Errors
    /// `Resources` when the system has no random bytes.
    pub fn close(&self, frame: &CloseFrame) -> Result<Vec<u8>> {
        let payload = frame.code.map(|code| payload(code, &frame.reason));
        let mut bytes = Vec::new();
        write_frame(
            &mut bytes,
            self.mask()?,
            Opcode::Close,
            false,
            payload.as_deref().unwrap_or_default(),
        );
        Ok(bytes)
    }

    fn mask(&self) -> Result<Option<mask::Key>> {
        match self.role {
            Role::Server => Ok(None),
            Role::Client => mask::new_key().map(Some),
        }
    }
}

/// Appends bytes as a binary message, from either end.
///
/// # Errors
/// `Resources` when the system has no random bytes to mask it with.
pub(crate) fn push_message(role: Role, message: &[u8], to: &mut Vec<u8>) -> Result<()> {
    let mask = match role {
        Role::Server => None,
        Role::Client => Some(mask::new_key()?),
    };
    write_frame(to, mask, Opcode::Binary, false, message);
    Ok(())
}

fn opcode(is_text: bool) -> Opcode {
    match is_text {
        true => Opcode::Text,
        false => Opcode::Binary,
    }
}
