//! Type, length, value: `u8 type, u16 length, value`, in ascending order of types, none twice.

/// Bytes before the value.
const HEAD: usize = 3;

/// What is wrong with a sequence of TLVs.
pub(super) type Wrong = &'static str;

/// Reads a whole sequence. The first mistake is its last item.
#[derive(Debug)]
pub(super) struct Tlvs<'a> {
    rest: &'a [u8],
    /// The least type that may come.
    least: u16,
}

impl<'a> Tlvs<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            least: 0,
        }
    }

    fn read(&mut self) -> Result<(u8, &'a [u8]), Wrong> {
        let Some(([kind, length @ ..], rest)) = self.rest.split_first_chunk::<HEAD>() else {
            return Err("a TLV is cut short");
        };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((value, rest)) = rest.split_at_checked(length) else {
            return Err("a TLV is cut short");
        };
        if u16::from(*kind) < self.least {
            return Err("TLVs are not in ascending order");
        }
        self.least = u16::from(*kind) + 1;
        self.rest = rest;
        Ok((*kind, value))
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<(u8, &'a [u8]), Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let tlv = self.read();
        if tlv.is_err() {
            self.rest = &[];
        }
        Some(tlv)
    }
}

/// Whether a type that is not known may be passed over.
pub(super) fn is_ignorable(kind: u8) -> bool {
    kind % 2 == 1
}

/// Appends a TLV; values are of at most 65,535 bytes, which their limits see to.
pub(super) fn push(to: &mut Vec<u8>, kind: u8, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    to.push(kind);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(value);
}
