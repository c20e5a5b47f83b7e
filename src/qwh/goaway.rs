//! GOAWAY: the last frame of an endpoint, and why.

use super::{fault::Fault, limits::MAX_REASON};
use crate::close_code::CloseCode;

/// Bytes before the reason.
const FIXED: usize = 10;

/// Fewest and most bytes of the body.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = FIXED..=FIXED + MAX_REASON;

/// What an endpoint ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoAway {
    /// Why.
    pub code: CloseCode,
    /// The last stream of the peer that it took; 0 where there are none.
    pub last_stream: u32,
    /// When the peer should come back, milliseconds; 0 is no advice.
    pub retry_after_ms: u32,
    /// For people; often empty.
    pub reason: String,
}

impl GoAway {
    /// The body, its reason cut to 256 bytes, between characters.
    pub fn encode(&self) -> Vec<u8> {
        let reason = cut(&self.reason);
        let mut body = Vec::with_capacity(FIXED + reason.len());
        body.extend_from_slice(&self.code.0.to_be_bytes());
        body.extend_from_slice(&self.last_stream.to_be_bytes());
        body.extend_from_slice(&self.retry_after_ms.to_be_bytes());
        body.extend_from_slice(reason.as_bytes());
        body
    }

    /// Reads a body.
    ///
    /// # Errors
    /// `protocol` for a wrong length, or a reason that is not UTF-8.
    pub fn parse(body: &[u8]) -> Result<Self, Fault> {
        let wrong = || Fault::protocol("a GOAWAY is malformed");
        if !LENGTHS.contains(&body.len()) {
            return Err(wrong());
        }
        let (code, rest) = body.split_first_chunk::<2>().ok_or_else(wrong)?;
        let (last_stream, rest) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let (retry_after_ms, reason) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let reason = std::str::from_utf8(reason).map_err(|_| wrong())?;
        Ok(Self {
            code: CloseCode(u16::from_be_bytes(*code)),
            last_stream: u32::from_be_bytes(*last_stream),
            retry_after_ms: u32::from_be_bytes(*retry_after_ms),
            reason: reason.to_owned(),
        })
    }
}

fn cut(reason: &str) -> &str {
    // A character ends at one of any four neighbouring places.
    let ends = (0..=reason.len().min(MAX_REASON)).rev().take(4);
    ends.filter_map(|end| reason.get(..end))
        .next()
        .unwrap_or("")
}
