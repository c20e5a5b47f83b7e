//! What goes into a handshake, and what comes out of it.

use super::{hello::Hello, negotiation::Agreement, preamble::Security};
use crate::close_code::CloseCode;

/// Which end we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Connects, and speaks first.
    Initiator,
    /// Accepts.
    Responder,
}

/// What lies below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A stream of bytes: a record has its length in front.
    Stream,
    /// Whole messages, as of WebSocket: each is a preamble, an answer or a record.
    Messages,
}

/// What a handshake is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which end we are.
    pub side: Side,
    /// What lies below.
    pub carrier: Carrier,
    /// Ours.
    pub hello: Hello,
    /// What TLS exported for the label `EXPORTER-QWormhole-v1`. With it security 2 is offered, or taken
    /// where it is offered.
    pub exporter: Option<[u8; 32]>,
    /// The virtual host that an initiator wants.
    pub route: Option<String>,
}

/// What comes of what was put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// To be sent, on a carrier of messages as one of them.
    Send(Vec<u8>),
    /// The peer's HELLO came and fits ours: the owner says whether it is welcome.
    Verify(Box<Peer>),
    /// Both ends accepted each other. The last event.
    Ready(Ready),
    /// It is over: send what is to be sent, then close. The last event.
    Failed(Failure),
}

/// Who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What it says.
    pub hello: Hello,
    /// What its HELLO and ours come to.
    pub agreement: Agreement,
    /// What the initiator wanted to protect records with.
    pub offered: Security,
    /// What protects them.
    pub security: Security,
    /// The same 32 bytes on both ends, and of no other connection; none without security.
    pub channel_id: Option<[u8; 32]>,
    /// The virtual host that the initiator wants.
    pub route: Option<String>,
}

/// Where the records go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Bytes of the current record that were not taken: the first of those that follow.
    pub record_rest: usize,
}

/// Who ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// We, or our owner.
    Local,
    /// The peer.
    Remote,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code.
    pub code: CloseCode,
    /// For people; empty in a reject.
    pub reason: String,
    /// Who said so.
    pub origin: Origin,
    /// When to come back, milliseconds, if the peer said so; 0 is no advice.
    pub retry_after_ms: u32,
    /// The peer's, where it does not fit ours.
    pub misfit: Option<Box<Hello>>,
}
