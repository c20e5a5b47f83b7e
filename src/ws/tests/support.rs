//! What a decoder makes of a stream in pieces.

use std::time::Instant;

pub(super) use crate::fuzzing::{Found, Lent, Pieces};
use crate::{
    error::Code,
    link::ReadTurn,
    ws::{CloseFrame, Decoder, Header, Opcode, Role, mask},
};

fn pongs(frames: Vec<u8>) -> Vec<Vec<u8>> {
    let mut pongs = Vec::new();
    let mut rest = &frames[..];
    while !rest.is_empty() {
        let masked = rest[1] & 0x80 != 0;
        let reader = if masked { Role::Server } else { Role::Client };
        let (header, used) = Header::parse(rest, reader, false).unwrap().unwrap();
        assert_eq!((header.opcode, header.fin), (Opcode::Pong, true));
        let (payload, behind) = rest[used..].split_at(header.length as usize);
        let mut payload = payload.to_vec();
        mask(&mut payload, header.mask.unwrap_or_default(), 0);
        pongs.push(payload);
        rest = behind;
    }
    pongs
}

/// What became of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) messages: Vec<Found>,
    pub(super) end: End,
    /// What the pongs carry.
    pub(super) replies: Vec<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Unclean,
    Closed(CloseFrame),
    Fault(Code),
}

/// Decodes all of a stream.
pub(super) fn decode(mut decoder: Decoder, mut io: Pieces<'_>, room: &mut Lent) -> Outcome {
    let now = Instant::now();
    let end = loop {
        match decoder.on_readable(&mut io, room, 1000, now) {
            Ok(ReadTurn::End) => {
                break match decoder.peer_close() {
                    Some(close) => End::Closed(close.clone()),
                    None => End::Unclean,
                };
            }
            Ok(_) => assert_eq!(room.held, decoder.held() as isize),
            Err(error) => break End::Fault(error.code()),
        }
    };
    let replies = pongs(decoder.take_replies().unwrap().unwrap_or_default());
    decoder.discard(room);
    assert_eq!(room.held, 0);
    Outcome {
        messages: std::mem::take(&mut room.messages),
        end,
        replies,
    }
}
