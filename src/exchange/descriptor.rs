//! An event as six 32-bit words, and what does not fit into them.

use std::{fmt, net::SocketAddr};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    driver::{Agreed, Ends},
    error::Error,
    qwh::Peer,
    tls::Info,
    ws::request::RequestHead,
};

use super::table::LinkId;

/// Words: slot, generation and kind, offset, length, listener, aux.
pub(crate) type Descriptor = [u32; 6];

/// What happened. The numbers are the ones of `ts/link/native/descriptor.ts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    /// `length` bytes at `offset` of the current slab.
    Message = 1,
    /// From here on offsets are in the slab `aux`; the one before is full.
    Slab = 2,
    /// A message of `length` bytes waits as parcel `aux`.
    Assembled = 3,
    /// A connection is up, accepted by `listener` (0: dialled); parcel `aux` has its addresses and what
    /// both ends agreed upon.
    Opened = 4,
    /// The threshold asked for is reached.
    Released = 5,
    /// The peer ended its side.
    Ended = 6,
    /// The connection is over; `offset` is 1 if cleanly, `length` the peer's close code if it sent a
    /// close frame, or [`GOAWAY`] and its code, and then `listener` when to come back, in milliseconds; parcel
    /// `aux`, if not 0, has its reason, or else the error.
    Closed = 7,
    /// `listener` failed to accept for now; parcel `aux` has the error.
    ListenerFailed = 8,
    /// The port of `listener` is free again.
    ListenerClosed = 9,
    /// The I/O side broke; parcel `aux` says why. Nothing follows.
    Failed = 10,
    /// As `Message`, of text, which is valid UTF-8.
    Text = 11,
    /// As `Assembled`, of text.
    AssembledText = 12,
    /// A client of `listener` asks to open a WebSocket; parcel `aux` has its request. The answer is
    /// `ACCEPT` or `REFUSE`.
    Asked = 13,
    /// TLS: a client of `listener` asks for a name that no identity is for; `offset` is the revision of the
    /// settings, parcel `aux` has its address and the name. The answer is `ALLOW` for the first identity, `DENY`, or an identity.
    Greeted = 14,
    /// TLS: the handshake is done (`listener`, or 0: dialled) and waits for the owner's verdict on the peer;
    /// `offset` is the revision of the listener's settings, parcel `aux` is as that of `Opened`. The answer is `ALLOW` or `DENY`.
    Secured = 15,
    /// TLS: a handshake with a client of `listener` failed, or was all there was of its connection; parcel `aux` has its address and the error.
    Insecure = 16,
    /// QWH/1: the peer has said who it is (`listener`, or 0: dialled) and waits for the owner's verdict; parcel
    /// `aux` has what it said. The answer is `ALLOW`, or `REFUSE` with a code.
    Met = 17,
    /// QWH/1: a handshake with a client of `listener` failed; parcel `aux` has its address and the error.
    Unmet = 18,
}

/// Set in the code of a GOAWAY.
pub(crate) const GOAWAY: u32 = 1 << 16;

/// Where a link's generation and an event's kind share a word.
pub(crate) const KIND_BITS: u32 = 8;

/// Something too large or too odd for a descriptor, fetched by its ticket.
#[derive(Debug)]
pub(crate) enum Parcel {
    Bytes(Vec<u8>),
    Text(String),
}

/// An event of one link without payload in a slab.
pub(crate) fn of_link(id: LinkId, kind: Kind, length: u32, aux: u32) -> Descriptor {
    [
        id.slot,
        id.generation << KIND_BITS | kind as u32,
        0,
        length,
        0,
        aux,
    ]
}

/// An event of no link.
pub(crate) fn of_listener(listener: u32, kind: Kind, aux: u32) -> Descriptor {
    [0, kind as u32, 0, 0, listener, aux]
}

/// An error as lines: code, system error number or nothing, details as `name=number` or `name=word`
/// with blanks between them, context; and after a zero each, where the peer answered, the lines of its headers and
/// the body.
pub(crate) fn error_text(error: &Error) -> String {
    let os = error
        .os_code()
        .map_or(String::new(), |code| code.to_string());
    let numbers = error.details().iter();
    let numbers = numbers.map(|(name, number)| format!("{name}={number}"));
    let words = error.words().iter();
    let words = words.map(|(name, word)| format!("{name}={word}"));
    let details: Vec<_> = numbers.chain(words).collect();
    let mut text = format!(
        "{}\n{os}\n{}\n{}",
        error.code().as_str(),
        details.join(" "),
        error.context()
    );
    if let Some(answer) = error.answer() {
        text.push('\0');
        text.push_str(&answer.headers.join("\n"));
        text.push('\0');
        text.push_str(&answer.body);
    }
    text
}

/// An address without its port; nothing for none.
struct Ip(SocketAddr);

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 == Ends::NOWHERE {
            true => Ok(()),
            false => self.0.ip().fmt(f),
        }
    }
}

/// Addresses, subprotocol, and whether messages are compressed, as lines; and after a zero what there is of
/// TLS.
pub(crate) fn opened_text(ends: Ends, agreed: &Agreed) -> String {
    let mut text = format!(
        "{}\n{}\n{}\n{}\n{}\n{}",
        Ip(ends.remote),
        ends.remote.port(),
        Ip(ends.local),
        ends.local.port(),
        agreed.subprotocol,
        u8::from(agreed.is_deflated),
    );
    if let Some(info) = &agreed.tls {
        push_tls(&mut text, info);
    }
    text
}

/// As [`opened_text`], of a connection that is not open yet.
pub(crate) fn secured_text(ends: Ends, info: &Info) -> String {
    let mut text = opened_text(ends, &Agreed::default());
    push_tls(&mut text, info);
    text
}

/// The client's address and port and the name it asks for, as lines.
pub(crate) fn greeted_text(Ends { remote, .. }: Ends, name: &str) -> String {
    format!("{}\n{}\n{name}", Ip(remote), remote.port())
}

/// As lines: both levels of security, offered and used, the session's identifier and the channel's, and the TLVs
/// of the HELLO in Base64; and after a zero what [`opened_text`] has.
pub(crate) fn met_text(
    ends: Ends,
    agreed: &Agreed,
    tls: Option<&Info>,
    sid: &[u8; 16],
    peer: &Peer,
    from_initiator: bool,
) -> String {
    // What was parsed can be encoded.
    let hello = peer.hello.encode(from_initiator).unwrap_or_default();
    let channel = peer.channel_id.unwrap_or_default();
    let channel = match peer.channel_id {
        Some(_) => BASE64_STANDARD.encode(channel),
        None => String::new(),
    };
    let mut text = format!(
        "{}\n{}\n{}\n{channel}\n{}\0{}",
        peer.offered as u8,
        peer.security as u8,
        BASE64_STANDARD.encode(sid),
        BASE64_STANDARD.encode(hello),
        opened_text(ends, agreed),
    );
    if let Some(info) = tls {
        push_tls(&mut text, info);
    }
    text
}

/// The peer's address and port as lines, and after a zero the error.
pub(crate) fn insecure_text(ends: Ends, error: &Error) -> String {
    let Ends { remote, .. } = ends;
    format!("{}\n{}\0{}", Ip(remote), remote.port(), error_text(error))
}

/// After a zero protocol, cipher, group, application protocol, server name, whether authorized and whether
/// resumed as lines, then a line a certificate in Base64; and after another zero why the peer is not
/// authorized, if there is a reason.
fn push_tls(text: &mut String, info: &Info) {
    let lines = [
        info.protocol,
        &info.cipher,
        &info.group,
        &info.alpn,
        &info.servername,
        if info.is_authorized() { "1" } else { "0" },
        if info.is_resumed { "1" } else { "0" },
    ];
    text.push('\0');
    text.push_str(&lines.join("\n"));
    for certificate in &info.peer_chain {
        text.push('\n');
        BASE64_STANDARD.encode_string(certificate, text);
    }
    if let Some(error) = &info.unauthorized {
        text.push('\0');
        text.push_str(&error_text(error));
    }
}

/// A request as lines: the peer's address, the target, the subprotocols offered, and then name and
/// value of each header in turn. None of them can contain a line's end.
pub(crate) fn asked_text(ends: Ends, head: &RequestHead) -> String {
    let mut text = format!(
        "{}\n{}\n{}\n{}",
        Ip(ends.remote),
        ends.remote.port(),
        head.target,
        head.protocols.join(","),
    );
    let headers = head.headers.iter();
    // A byte of a value above 127 takes two, which is rare.
    text.reserve(
        headers
            .map(|(name, value)| name.len() + value.len() + 2)
            .sum(),
    );
    for (name, value) in head.headers.iter() {
        text.push('\n');
        text.push_str(name);
        text.push('\n');
        match value.is_ascii() {
            true => text.push_str(&String::from_utf8_lossy(value)),
            false => text.extend(value.iter().map(|byte| char::from(*byte))),
        }
    }
    text
}
