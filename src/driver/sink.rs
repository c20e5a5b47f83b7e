//! What a running link tells its consumer.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    task::Waker,
    time::Duration,
};

use crate::{
    error::{Code, Error},
    link::{Released, Room},
    qwh::Peer,
    tls::Info,
    ws::{CloseFrame, request::RequestHead},
};

/// Both ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub remote: SocketAddr,
    pub local: SocketAddr,
}

impl Ends {
    /// What stands for an address where there is none: no connection of TCP has it.
    pub(crate) const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Closed {
    /// Both sides ended between two messages and everything queued was written.
    pub clean: bool,
    /// The fault behind an unclean end.
    pub error: Option<Error>,
    /// What the peer's close frame said, on a carrier that has one.
    pub farewell: Option<CloseFrame>,
    /// What it said was a GOAWAY, whose code is of our own numbers: when to come back, milliseconds, or 0.
    pub retry_after_ms: Option<u32>,
}

/// What both ends of a new connection agreed upon, on a carrier with an opening handshake.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    /// Empty for none.
    pub subprotocol: String,
    /// permessage-deflate.
    pub is_deflated: bool,
    /// On a carrier with TLS.
    pub tls: Option<Box<Info>>,
    /// How long the peer bears our silence, as its HELLO says.
    pub peer_timeout: Option<Duration>,
}

impl Closed {
    pub(crate) fn clean() -> Self {
        Self {
            clean: true,
            error: None,
            farewell: None,
            retry_after_ms: None,
        }
    }

    /// Both close frames were sent; this is the peer's.
    pub(crate) fn parted(farewell: CloseFrame, retry_after_ms: Option<u32>) -> Self {
        Self {
            farewell: Some(farewell),
            retry_after_ms,
            ..Self::clean()
        }
    }

    /// Ended on purpose, without ceremony.
    pub(crate) fn cut() -> Self {
        Self {
            clean: false,
            error: None,
            farewell: None,
            retry_after_ms: None,
        }
    }

    pub(crate) fn fault(error: Error) -> Self {
        Self {
            clean: false,
            error: Some(error),
            farewell: None,
            retry_after_ms: None,
        }
    }

    pub(crate) fn timed_out(within: Duration) -> Self {
        Self::fault(
            Error::new(
                Code::CloseTimeout,
                format!(
                    "the peer did not end its side within {} ms",
                    within.as_millis()
                ),
            )
            .with("timeoutMs", within.as_millis() as usize),
        )
    }
}

/// Consumer of one link: all calls come from the link's task, in the order of the connection's life.
pub(crate) trait Sink: Send + Unpin + 'static {
    type Room<'a>: Room
    where
        Self: 'a;

    /// A client asks to open a WebSocket; the consumer answers through the link's handle.
    fn asked(&mut self, ends: Ends, head: &RequestHead);
    /// TLS: a client asks for a name that no identity is for; the consumer answers through the link's handle.
    /// `revision`: that of the listener's settings which the handshake is under.
    fn greeted(&mut self, ends: Ends, name: &str, revision: u32);
    /// TLS: the handshake is done; the consumer judges the peer through the link's handle. `revision` as above;
    /// clients have none, 0.
    fn secured(&mut self, ends: Ends, info: &Info, revision: u32);
    /// TLS: the handshake failed, or the client left it at that; the end follows. Told by servers only, a
    /// client's end says it.
    fn insecure(&mut self, ends: Ends, error: &Error);
    /// QWH/1: the peer has said who it is; the consumer judges it through the link's handle.
    fn met(&mut self, ends: Ends, agreed: &Agreed, tls: Option<&Info>, sid: &[u8; 16], peer: &Peer);
    /// QWH/1: the handshake failed; the end follows. Told by servers only.
    fn unmet(&mut self, ends: Ends, error: &Error);
    /// The connection is up; nothing is read before the consumer resumes it.
    fn opened(&mut self, ends: Ends, agreed: &Agreed);
    /// Memory for one readable turn.
    fn room(&mut self) -> Self::Room<'_>;
    /// There was no room: `waker` is to be woken once there is.
    fn wait_for_room(&mut self, waker: &Waker);
    /// The threshold that was asked for is reached.
    fn released(&mut self);
    /// The peer broke the rules; its end follows, and that of the connection once the consumer has closed it.
    fn broke(&mut self, _: &Error) {}
    /// The peer ended its side between two messages.
    fn ended(&mut self);
    /// The connection is over.
    fn closed(&mut self, closed: Closed);
}

/// Where links publish what the kernel has taken, and how many payload bytes still wait for it.
pub(crate) trait Ledger: Send + Sync {
    /// The link in `slot` has so much behind it.
    fn release(&self, slot: u32, released: Released);
    /// A queue has grown by so many bytes, or shrunk.
    fn queue(&self, delta: isize);
}
