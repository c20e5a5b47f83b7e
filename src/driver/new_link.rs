//! What a connection is made of besides its socket.

use std::{sync::Arc, time::Duration};

use super::{
    adopt::Begun, handle::Handle, meeting::Meeting, opening::Opening, secure::Security, sink::Sink,
};
use crate::link::{Heartbeat, Inbound, Rates};

/// What a connection needs besides its socket.
pub(crate) struct NewLink<S: Sink, B = Beginning> {
    pub handle: Arc<Handle>,
    pub beginning: B,
    pub sink: S,
    /// What it may receive.
    pub inbound: Rates,
    /// How its peer is watched, on a carrier that has signs of life.
    pub heartbeat: Option<Heartbeat>,
    pub close_timeout: Duration,
    /// Set: TLS below it.
    pub security: Option<Security>,
    /// Of a call: for all of it until it is open.
    pub within: Duration,
}

impl<S: Sink, B> NewLink<S, B> {
    /// The same with another beginning, and the one it had.
    pub(crate) fn rebegin<C>(self, beginning: C) -> (NewLink<S, C>, B) {
        let link = NewLink {
            handle: self.handle,
            beginning,
            sink: self.sink,
            inbound: self.inbound,
            heartbeat: self.heartbeat,
            close_timeout: self.close_timeout,
            security: self.security,
            within: self.within,
        };
        (link, self.beginning)
    }
}

/// How a connection begins.
pub(crate) enum Beginning {
    /// With its first message.
    Stream(Inbound),
    /// With the handshake of QWH/1, or as the other says.
    Qwh(Arc<Meeting>, Inbound),
    /// With the opening handshake of a WebSocket.
    WebSocket(Arc<Opening>),
    /// Behind an opening handshake whose answer waits to be written.
    Open(Box<Begun>),
}
