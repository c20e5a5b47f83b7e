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
    link::{Payload, ReadTurn, ReceiveLimits},
    ws::{Decoder, Role, close_code},
};

const LIMIT: usize = 5_000;

/// What became of a stream: the messages, and the close code that ends them; `None` where it just ends.
pub(super) type Verdict = (Vec<Found>, Option<u16>);

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

pub(super) fn theirs(role: Role, stream: &[u8], limit: usize) -> Verdict {
    let config = WebSocketConfig::default()
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
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

/// Ours, and why it ended.
pub(super) fn ours(role: Role, mut stream: &[u8], limit: usize) -> (Verdict, String) {
    let limits = ReceiveLimits {
        max_message: limit,
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
    let (code, why) = match (fault, decoder.peer_close()) {
        (Some(fault), _) => (Some(close_code(&fault)), fault.context().to_owned()),
        (None, Some(close)) => (Some(1000), format!("the peer's {:?}", close.code)),
        (None, None) => (None, String::new()),
    };
    ((room.messages, code), why)
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
        let (ours, why) = ours(role, &stream, LIMIT);
        let theirs = theirs(role, &stream, LIMIT);
        prop_assert!(
            ours == theirs || difference(&ours, &theirs, &why).is_some(),
            "{:?} ({why}) {:?} {} {}", ours.1, theirs.1, ours.0.len(), theirs.0.len()
        );
    }
}

/// Where we come to an end of our own, by name, and why that is right.
pub(super) const DIFFERENCES: [(&str, &str); 5] = [
    (
        "first-wrong-byte",
        "A text ends the connection at its first wrong byte, not at the end of a frame or message, so that \
         other faults and the end of the stream come too late (RFC 6455, section 8.1, leaves it open).",
    ),
    (
        "shortest-length",
        "A length must be in its shortest form and its top bit 0 (RFC 6455, section 5.2): tungstenite does \
         not look, and may find it too large.",
    ),
    (
        "first-wrong-header",
        "A header is refused as soon as a byte of it is wrong: tungstenite waits until it is whole, and \
         looks at the length before anything else.",
    ),
    (
        "close-code-first",
        "A close code that must not be sent is refused before the reason is looked at.",
    ),
    (
        "code-1014",
        "The close code 1014 was registered after RFC 6455; tungstenite does not know it.",
    ),
];

/// The name of what accounts for our verdict where it is not theirs, if anything does. Ours comes first:
/// we find no message that they do not.
pub(super) fn difference(ours: &Verdict, theirs: &Verdict, why: &str) -> Option<&'static str> {
    if !theirs.0.starts_with(&ours.0) {
        return None;
    }
    match (ours.1, theirs.1) {
        (Some(1007), _) => Some("first-wrong-byte"),
        (Some(1002), _) if why.contains("length") => Some("shortest-length"),
        (Some(1002), _) if why.contains("close code") => Some("close-code-first"),
        (Some(1002), None | Some(1009)) => Some("first-wrong-header"),
        (Some(1000), Some(1002)) if why.contains("1014") => Some("code-1014"),
        _ => None,
    }
}
