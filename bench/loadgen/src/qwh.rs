//! The handshake of QWH/1, as short as it can be: for a server whose codec is `buffer` and that wants everybody.

use std::io::{self, ErrorKind, Read, Write};

/// What a client begins with: version 1, no security.
const PREAMBLE: [u8; 14] = *b"QWH1\x01\0\0\0\x01\x01\0\0\0\0";
/// What a server answers that goes on.
const ANSWER: [u8; 8] = *b"QWH1\x02\0\0\0";
const READY: [u8; 10] = [0, 8, 1, 0, 0, 0, 0, 0, 0, 0];
const HELLO: u8 = 2;

/// Shakes hands over a socket that blocks; what follows are records of messages.
pub fn shake_hands(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let mut first = PREAMBLE.to_vec();
    first.extend_from_slice(&hello());
    stream.write_all(&first)?;
    let mut answer = [0; 8];
    stream.read_exact(&mut answer)?;
    if answer != ANSWER {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    if read_record(stream)?.first() != Some(&HELLO) {
        return Err(ErrorKind::InvalidData.into());
    }
    stream.write_all(&READY)?;
    match read_record(stream)?.as_slice() {
        record if record == &READY[2..] => Ok(()),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// A record with our HELLO: version, codec, no capabilities, limits.
fn hello() -> Vec<u8> {
    let mut body = vec![6, 0, 2, 1, 1];
    body.extend_from_slice(b"\x09\0\x06buffer");
    body.extend_from_slice(&[10, 0, 16]);
    body.extend_from_slice(&[0; 16]);
    body.extend_from_slice(&[12, 0, 18]);
    body.extend_from_slice(&(4_u32 << 20).to_be_bytes());
    body.extend_from_slice(&[0; 14]);
    let length = body.len() as u16;
    let mut record = (length + 8).to_be_bytes().to_vec();
    record.extend_from_slice(&[HELLO, 0]);
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(&[0; 4]);
    record.extend_from_slice(&body);
    record
}

fn read_record(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut record = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut record)?;
    Ok(record)
}
