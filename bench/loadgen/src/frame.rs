//! WebSocket frames (RFC 6455, section 5.2): only what a load generator and a floor need, so every
//! message is one final frame without extensions, and anything else is a violation.

/// What a frame carries.
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// Longest payload of a control frame.
const MAX_CONTROL: usize = 125;

/// Most bytes that one control frame of a server takes.
pub const CONTROL: usize = 2 + MAX_CONTROL;

/// Bytes of a client's masking key.
pub const KEY: usize = 4;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// The front of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub opcode: u8,
    /// Bytes in front of the payload, a client's key included.
    pub header: usize,
    pub size: usize,
}

/// How bytes break the rules.
pub type Violation = &'static str;

/// Who sent a frame: clients mask, servers do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    Client,
    Server,
}

/// The frame at the front of `bytes`; none while its header is not whole.
pub fn head(bytes: &[u8], sender: Sender) -> Result<Option<Head>, Violation> {
    let &[first, second, ..] = bytes else {
        return Ok(None);
    };
    let opcode = first ^ FINAL;
    if !matches!(opcode, TEXT | BINARY | CLOSE | PING | PONG) {
        return Err("a frame that is not a whole, plain message");
    }
    let is_masked = second & MASKED != 0;
    if is_masked != (sender == Sender::Client) {
        return Err("a mask where none belongs, or none where one does");
    }
    let Some((length, size)) = size(bytes, second & !MASKED)? else {
        return Ok(None);
    };
    if opcode >= CLOSE && size > MAX_CONTROL {
        return Err("a control frame that is too long");
    }
    let header = length + if is_masked { KEY } else { 0 };
    Ok((bytes.len() >= header).then_some(Head {
        opcode,
        header,
        size,
    }))
}

/// Bytes up to the end of the length, and the length; the shortest form is the only one allowed.
fn size(bytes: &[u8], short: u8) -> Result<Option<(usize, usize)>, Violation> {
    let (header, size) = match short {
        126 => match bytes.get(2..4).and_then(|raw| raw.try_into().ok()) {
            Some(raw) => (4, u64::from(u16::from_be_bytes(raw))),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|raw| raw.try_into().ok()) {
            Some(raw) => (10, u64::from_be_bytes(raw)),
            None => return Ok(None),
        },
        _ => (2, u64::from(short)),
    };
    let size = usize::try_from(size).map_err(|_| "a frame of absurd length")?;
    if header != unmasked_header(size) {
        return Err("a length that is not in its shortest form");
    }
    Ok(Some((header, size)))
}

/// Bytes in front of a server's payload of `size` bytes.
pub fn unmasked_header(size: usize) -> usize {
    match size {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

/// Writes a header at the front of `bytes` and returns its length; a client's key is not part of it.
pub fn write_header(bytes: &mut [u8], opcode: u8, size: usize, sender: Sender) -> usize {
    let mask = if sender == Sender::Client { MASKED } else { 0 };
    bytes[0] = FINAL | opcode;
    let header = unmasked_header(size);
    match header {
        2 => bytes[1] = mask | size as u8,
        4 => {
            bytes[1] = mask | 126;
            bytes[2..4].copy_from_slice(&(size as u16).to_be_bytes());
        }
        _ => {
            bytes[1] = mask | 127;
            bytes[2..10].copy_from_slice(&(size as u64).to_be_bytes());
        }
    }
    header
}

/// Appends a client's frame around the `size` bytes that `fill` appends. The key is made of `salt`:
/// it differs from frame to frame and is never zero, which is all a server can notice of it.
pub fn append(
    output: &mut Vec<u8>,
    opcode: u8,
    size: usize,
    salt: u32,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    let mut header = [0; 10];
    let length = write_header(&mut header, opcode, size, Sender::Client);
    let key = (salt.wrapping_mul(0x9e37_79b9) | 1).to_be_bytes();
    output.extend_from_slice(&header[..length]);
    output.extend_from_slice(&key);
    let start = output.len();
    fill(output);
    mask(&mut output[start..], key);
}

/// Masks or unmasks `bytes` with `key`, from the first of its bytes on.
pub fn mask(bytes: &mut [u8], key: [u8; KEY]) {
    // Eight at a time: the compiler makes vectors of it.
    let wide = u64::from_ne_bytes([
        key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3],
    ]);
    let (blocks, rest) = bytes.as_chunks_mut::<8>();
    for block in blocks {
        *block = (u64::from_ne_bytes(*block) ^ wide).to_ne_bytes();
    }
    for (at, byte) in rest.iter_mut().enumerate() {
        *byte ^= key[at % KEY];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_found_again() {
        for size in [0, 1, 7, 8, 125, 126, 127, 65_535, 65_536, 70_001] {
            let payload: Vec<u8> = (0..size).map(|at| (at * 7) as u8).collect();
            let mut frame = Vec::new();
            append(&mut frame, BINARY, size, 3, |output| {
                output.extend_from_slice(&payload);
            });
            let head = head(&frame, Sender::Client).unwrap().unwrap();
            assert_eq!((head.opcode, head.size), (BINARY, size));
            assert_eq!(frame.len(), head.header + size);
            let key = frame[head.header - KEY..head.header].try_into().unwrap();
            assert!(
                size < 8 || frame[head.header..] != payload[..],
                "not masked"
            );
            mask(&mut frame[head.header..], key);
            assert_eq!(frame[head.header..], payload[..]);
        }
    }

    #[test]
    fn a_header_in_parts_is_waited_for() {
        for size in [5, 300, 70_000] {
            let mut header = [0; 10];
            let length = write_header(&mut header, TEXT, size, Sender::Server);
            for end in 0..length {
                assert_eq!(head(&header[..end], Sender::Server), Ok(None));
            }
            let found = head(&header[..length], Sender::Server).unwrap().unwrap();
            assert_eq!((found.header, found.size), (length, size));
        }
    }

    #[test]
    fn what_is_not_plain_is_a_violation() {
        for bytes in [
            &[0x02, 0][..],            // not final
            &[0x80, 0],                // a continuation
            &[0xc2, 0],                // compressed
            &[0x83, 0],                // a reserved opcode
            &[0x82, 0x80, 0, 0, 0, 0], // masked by a server
            &[0x82, 126, 0, 125],      // longer than needed
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255],
            &[0x89, 126, 0, 200], // a long ping
        ] {
            assert!(head(bytes, Sender::Server).is_err(), "{bytes:?}");
        }
        assert!(head(&[0x82, 0], Sender::Client).is_err());
    }
}
