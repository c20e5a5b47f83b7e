//! The same bytes to tungstenite and to us.

use std::{
    io::{self, Cursor, Read, Write},
    time::Instant,
};

use proptest::prelude::*;
use tungstenite::{
    Message, WebSocket,
    error::Error as TheirError,
    protocol::{Role as TheirRole, WebSocketConfig},
};

use super::{
    script::{acts, mutate, stream},
    support::{Found, Lent},
};
use crate::{
    error::Code,
    link::{Payload, ReadTurn},
    ws::{Decoder, Limits, Role, close_code},
};

const LIMIT: usize = 5_000;

/// Reads from memory, writes to nowhere.
struct Duplex(Cursor<Vec<u8>>);

impl Read for Duplex {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Duplex {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Their messages, and the close code that ends them; `None` where the stream just ends.
fn theirs(role: Role, stream: &[u8]) -> (Vec<Found>, Option<u16>) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let role = match role {
        Role::Server => TheirRole::Server,
        Role::Client => TheirRole::Client,
    };
    let io = Duplex(Cursor::new(stream.to_vec()));
    let mut socket = WebSocket::from_raw_socket(io, role, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Binary(bytes)) => messages.push((Payload::Binary, bytes.to_vec())),
            Ok(Message::Text(text)) => messages.push((Payload::Text, text.as_bytes().to_vec())),
            Ok(Message::Close(close)) => {
                // A code that must not be sent is given as the answer to it.
                let broken = close.is_some_and(|close| close.reason == "Protocol violation");
                let code = if broken { 1002 } else { 1000 };
                return (messages, Some(code));
            }
            Ok(_) => {}
            Err(TheirError::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (messages, None),
            Err(TheirError::Protocol(_)) => return (messages, Some(1002)),
            Err(TheirError::Capacity(_)) => return (messages, Some(1009)),
            Err(TheirError::Utf8(_)) => return (messages, Some(1007)),
            Err(_) => return (messages, None),
        }
    }
}

/// Our messages, and our end: the code and why.
fn ours(role: Role, mut stream: &[u8]) -> (Vec<Found>, Option<u16>, String) {
    let limits = Limits {
        max_message: LIMIT,
        max_fragments: 1000,
        control_burst: 1000,
        control_per_second: 1000,
    };
    let mut decoder = Decoder::new(role, limits, None, Vec::new());
    let mut room = Lent::default();
    let now = Instant::now();
    let fault = loop {
        match decoder.on_readable(&mut stream, &mut room, 1 << 20, now) {
            Ok(ReadTurn::End) => break None,
            Ok(_) => {}
            Err(error) if error.code() == Code::Truncated => break None,
            Err(error) => break Some(error),
        }
    };
    let (code, why) = match fault {
        Some(fault) => (Some(close_code(&fault)), fault.context().to_owned()),
        // Theirs does not know 1014, which was registered later.
        None => {
            let code = decoder.peer_close().map(|close| match close.code {
                Some(1014) => 1002,
                _ => 1000,
            });
            (code, String::new())
        }
    };
    (room.messages, code, why)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn gives_the_same_messages_and_the_same_close_code(
        acts in acts(false),
        server: bool,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 0..3),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut stream = stream(&acts, role);
        mutate(&mut stream, &flips);
        let (our_messages, our_code, why) = ours(role, &stream);
        let (their_messages, their_code) = theirs(role, &stream);
        let same = our_code == their_code && our_messages == their_messages;
        prop_assert!(
            same || is_stricter(our_code, their_code, &why) && their_messages.starts_with(&our_messages),
            "{:?} ({}) {:?} {} {}", our_code, why, their_code, our_messages.len(), their_messages.len()
        );
    }
}

/// Where we come to an end of our own, and earlier: at lengths that are not minimal, at the first wrong
/// byte of a text, at headers that are wrong before they are whole, and at close codes whose reason is
/// wrong too.
fn is_stricter(ours: Option<u16>, theirs: Option<u16>, why: &str) -> bool {
    match ours {
        Some(1007) => true,
        Some(1002) => {
            // Theirs look at the length before anything else.
            matches!(theirs, None | Some(1009))
                || ["length", "close code"]
                    .iter()
                    .any(|rule| why.contains(rule))
        }
        _ => false,
    }
}
