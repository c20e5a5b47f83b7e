//! What the ends of a connection know of each other once they have shaken hands, and while they do.

use std::net::SocketAddr;

use super::tls::TlsInfo;
use crate::qwh::{Peer, Security};

/// What a handshake of QWH/1 came to. All but `version`, `caps`, `codec`, `security` and `channel_id` is what the
/// peer says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandshakeInfo {
    /// The protocol's version.
    pub version: u8,
    /// The session, the same on both ends.
    pub sid: [u8; 16],
    /// Capabilities that both ends have: bits of [`caps`](crate::qwh::caps).
    pub caps: u64,
    /// The codec of both ends.
    pub codec: String,
    /// Largest message that the peer takes, bytes.
    pub max_message: usize,
    /// A JSON object of at most 4 KiB and eight levels: a claim of the peer, which nothing here relies on.
    pub meta: Option<String>,
    /// What protects the records.
    pub security: Security,
    /// What the client offered: more than `security` where the server has no TLS of its own.
    pub offered_security: Security,
    /// The same 32 bytes on both ends, and of no other connection; none without security.
    pub channel_id: Option<[u8; 32]>,
}

impl HandshakeInfo {
    /// `sid`: the responder's.
    pub(super) fn new(sid: [u8; 16], peer: &Peer) -> Self {
        let Peer {
            hello,
            agreement,
            security,
            offered,
            channel_id,
            ..
        } = peer;
        Self {
            version: agreement.version,
            sid,
            caps: agreement.caps,
            codec: agreement.codec.clone(),
            max_message: hello.limits.max_message as usize,
            meta: hello.meta.clone(),
            security: *security,
            offered_security: *offered,
            channel_id: *channel_id,
        }
    }
}

/// A peer that has said who it is and waits to be accepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandshakePeer {
    /// What it says, and what that comes to with what we say.
    pub handshake: HandshakeInfo,
    /// Its address.
    pub remote_addr: SocketAddr,
    /// What the TLS handshake decided; `None` without TLS.
    pub tls: Option<TlsInfo>,
}
