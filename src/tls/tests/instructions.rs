//! What records of TLS cost, counted as in `crate::instructions`: the read of one side, or the write of the other, with
//! all that is around AES-GCM.

use std::io::IoSlice;

use super::{Session, Version, Wire, pair, shaken};
use crate::instructions::{counted, send};

/// Messages that one record has, as replies mostly go out.
const BATCH: usize = 10;
const SMALL: usize = 64;
/// Four records.
const LARGE: usize = 64 * 1024;

counted! {
    exchange_tls_64_b => exchange(BATCH, SMALL);
    exchange_tls_64_kib => exchange(1, LARGE);
}

/// Encrypts so many messages at once and has the other side decrypt them: what one side seals only it can open, once.
fn exchange(count: usize, size: usize) {
    let (listening, dialing) = pair(Version::Tls13);
    let (mut server, mut client, mut down, _) = shaken(&listening, &dialing, 1 << 20);
    let messages = vec![7; count * size];
    let mut room = vec![0; messages.len() + 1];
    send(count, || {
        seal(&mut server, &mut down, &messages);
        open(&mut client, &mut down, &mut room, messages.len());
    });
    assert_eq!(room[..messages.len()], messages);
}

fn seal(session: &mut Session, wire: &mut Wire, bytes: &[u8]) {
    let taken = session.write(wire, &[IoSlice::new(bytes)]);
    assert_eq!(taken.expect("taken"), bytes.len());
}

fn open(session: &mut Session, wire: &mut Wire, room: &mut [u8], size: usize) {
    let mut read = 0;
    while read < size {
        read += session.read(wire, &mut room[read..]).expect("read");
    }
}
