//! Whether text is UTF-8 (RFC 6455 §8.1, RFC 3629), also when it comes in pieces.

use crate::error::{Code, Error, Result};

/// Whether a whole text is UTF-8.
///
/// # Errors
/// `InvalidUtf8` if it is not.
#[inline]
pub fn validate(text: &[u8]) -> Result<()> {
    simdutf8::basic::from_utf8(text)
        .map(drop)
        .map_err(|_| invalid())
}

/// Validates a text that comes in pieces, and fails at the first byte with which it can no longer
/// become valid: also inside of a character whose end is still to come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8 {
    /// The first bytes of a character, fewer than it has.
    begun: [u8; 3],
    length: u8,
}

impl Utf8 {
    /// Takes the next piece.
    ///
    /// # Errors
    /// `InvalidUtf8` when no further bytes can make the text valid.
    pub fn push(&mut self, piece: &[u8]) -> Result<()> {
        let rest = self.finish_character(piece)?;
        match simdutf8::compat::from_utf8(rest) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(invalid()),
            Err(error) => self.begin_character(&rest[error.valid_up_to()..]),
        }
    }

    /// To be asked at the end of the text.
    ///
    /// # Errors
    /// `InvalidUtf8` when the last character is not whole.
    pub fn finish(&self) -> Result<()> {
        match self.length {
            0 => Ok(()),
            _ => Err(invalid()),
        }
    }

    /// Gives a begun character the bytes it lacks, as far as they are there, and gives what follows.
    fn finish_character<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8]> {
        let begun = usize::from(self.length);
        if begun == 0 {
            return Ok(piece);
        }
        let mut character = [0; 4];
        character[..begun].copy_from_slice(&self.begun[..begun]);
        for (at, byte) in piece.iter().enumerate() {
            let Some(next) = character.get_mut(begun + at) else {
                return Err(invalid());
            };
            *next = *byte;
            match std::str::from_utf8(&character[..=begun + at]) {
                Ok(_) => {
                    self.length = 0;
                    return Ok(&piece[at + 1..]);
                }
                Err(error) if error.error_len().is_some() => return Err(invalid()),
                Err(_) => {}
            }
        }
        self.begin_character(&character[..begun + piece.len()])?;
        Ok(&[])
    }

    /// Keeps the first bytes of a character. `str` calls them incomplete only while a valid character
    /// can begin so: `F4 90` and `ED A0` are errors at their second byte.
    fn begin_character(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(begun) = self.begun.get_mut(..bytes.len()) else {
            return Err(invalid());
        };
        begun.copy_from_slice(bytes);
        self.length = bytes.len() as u8;
        Ok(())
    }
}

#[cold]
pub(super) fn invalid() -> Error {
    Error::new(Code::InvalidUtf8, "a text message is not UTF-8")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The length of the longest prefix that can still become valid.
    fn hopeful(text: &[u8]) -> usize {
        match std::str::from_utf8(text) {
            Ok(_) => text.len(),
            Err(error) => match error.error_len() {
                None => text.len(),
                // An error of n bytes is known at the byte after them, or at the first if it is wrong
                // by itself; the shortest prefix that is an error tells.
                Some(_) => (error.valid_up_to()..text.len())
                    .find(|at| is_error(&text[..=*at]))
                    .unwrap_or(text.len()),
            },
        }
    }

    fn is_error(text: &[u8]) -> bool {
        std::str::from_utf8(text).is_err_and(|error| error.error_len().is_some())
    }

    fn assert_agrees(text: &[u8]) {
        assert_eq!(validate(text).is_ok(), std::str::from_utf8(text).is_ok());
        let hopeful = hopeful(text);
        let mut utf8 = Utf8::default();
        for (at, byte) in text.iter().enumerate() {
            assert_eq!(utf8.push(&[*byte]).is_ok(), at < hopeful, "{text:x?}");
            if at == hopeful {
                return;
            }
        }
        assert_eq!(utf8.finish().is_ok(), std::str::from_utf8(text).is_ok());
    }

    #[test]
    fn characters_of_every_length_and_what_is_none() {
        for text in [
            &b""[..],
            b"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80",
            b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited",
            b"\xed\xa0\x80",
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xf5",
            b"\x80",
            b"\xf4\x8f\xbf\xbf",
            b"\xe2\x82",
        ] {
            assert_agrees(text);
        }
    }

    #[test]
    fn fails_inside_of_a_character() {
        let mut utf8 = Utf8::default();
        utf8.push(b"\xf4").unwrap();
        assert_eq!(utf8.push(b"\x90").unwrap_err().code(), Code::InvalidUtf8);
    }

    #[test]
    fn every_pair_of_bytes() {
        for pair in 0..=u16::MAX {
            assert_agrees(&pair.to_be_bytes());
        }
    }

    proptest! {
        #[test]
        fn every_split_agrees_with_std(
            text in prop_oneof![
                any::<String>().prop_map(String::into_bytes),
                prop::collection::vec(prop::sample::select(
                    &[0x41, 0x80, 0x90, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4][..]
                ), 0..12),
            ],
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            assert_agrees(&text);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            let mut utf8 = Utf8::default();
            let mut at = 0;
            let mut valid = true;
            for cut in cuts.into_iter().chain([text.len()]) {
                valid = valid && utf8.push(&text[at..cut]).is_ok();
                at = cut;
            }
            valid = valid && utf8.finish().is_ok();
            prop_assert_eq!(valid, std::str::from_utf8(&text).is_ok());
        }
    }
}
