//! The payload of a close frame (RFC 6455 §5.5.1, §7.4): a code and a reason.

use crate::error::{Code, Error, Result};

use super::{
    frame::{MAX_CONTROL, broken},
    utf8,
};

/// Longest reason: a control frame less the code.
pub const MAX_REASON: usize = MAX_CONTROL - 2;

/// What a peer said when it closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code; `None` if the frame was empty, which users see as 1005.
    pub code: Option<u16>,
    /// The reason, often empty.
    pub reason: String,
}

impl CloseFrame {
    /// Reads an unmasked payload.
    ///
    /// # Errors
    /// `Protocol` for half a code or one that must not be sent, `InvalidUtf8` for the reason.
    pub fn parse(payload: &[u8]) -> Result<Self> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return match payload {
                [] => Ok(Self::default()),
                _ => Err(broken("a close frame has one byte")),
            };
        };
        let code = u16::from_be_bytes(*code);
        if !may_be_sent(code) {
            return Err(Error::new(
                Code::Protocol,
                format!("the close code {code} must not be sent"),
            ));
        }
        let reason = match std::str::from_utf8(reason) {
            Ok(reason) => reason.to_owned(),
            Err(_) => return Err(utf8::invalid()),
        };
        Ok(Self {
            code: Some(code),
            reason,
        })
    }
}

/// The payload of a close frame of ours, the reason cut to [`MAX_REASON`] bytes, between characters.
pub fn payload(code: u16, reason: &str) -> Vec<u8> {
    let reason = cut(reason, MAX_REASON);
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    payload
}

/// At most the first `most` bytes, but whole characters.
fn cut(text: &str, most: usize) -> &str {
    // A character ends at one of any four neighbouring places.
    let ends = (0..=most.min(text.len())).rev().take(4);
    ends.filter_map(|end| text.get(..end)).next().unwrap_or("")
}

/// Whether a code may stand in a close frame (§7.4; 1012 to 1014 from the registry of §11.7).
pub const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The code to close with after `error`.
pub fn close_code(error: &Error) -> u16 {
    let mut details = error.details().iter();
    if let Some((_, code)) = details.find(|(name, _)| *name == "closeCode") {
        return u16::try_from(*code).unwrap_or(1002);
    }
    match error.code() {
        Code::Protocol | Code::Truncated => 1002,
        Code::InvalidUtf8 => 1007,
        Code::Flood | Code::RateLimited => 1008,
        Code::TooBig => 1009,
        _ => 1011,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(payload: &[u8]) -> std::result::Result<Option<u16>, u16> {
        match CloseFrame::parse(payload) {
            Ok(frame) => Ok(frame.code),
            Err(error) => Err(close_code(&error)),
        }
    }

    #[test]
    fn codes_that_may_be_sent() {
        for code in [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
            4000, 4999,
        ] {
            assert_eq!(code_of(&u16::to_be_bytes(code)), Ok(Some(code)));
        }
    }

    #[test]
    fn codes_that_may_not() {
        for code in [
            0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
        ] {
            assert_eq!(code_of(&u16::to_be_bytes(code)), Err(1002), "{code}");
        }
    }

    #[test]
    fn payloads_of_none_one_and_many_bytes() {
        assert_eq!(code_of(b""), Ok(None));
        assert_eq!(code_of(b"\x03"), Err(1002));
        assert_eq!(code_of(b"\x03\xe8\xce\xba\xed\xa0\x80"), Err(1007));
        let frame = CloseFrame::parse(&payload(1001, "gone away")).unwrap();
        assert_eq!(
            (frame.code, frame.reason.as_str()),
            (Some(1001), "gone away")
        );
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let bytes = payload(1000, &"ä€".repeat(60));
        assert!(bytes.len() <= MAX_CONTROL && bytes.len() > MAX_CONTROL - 4);
        assert!(CloseFrame::parse(&bytes).is_ok());
    }
}
