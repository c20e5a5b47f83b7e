//! What a way of running links offers.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    adopt::Begun, handle::Handle, meeting::Meeting, opening::Opening, secure::Security, sink::Sink,
};
use crate::{
    error::Error,
    link::{Heartbeat, Inbound, Rates},
    socket::{Listener, SocketOptions},
};

/// Runs links: owns their sockets, and calls the link core when they are ready or time is up.
///
/// All methods may be called from any thread and none waits.
pub(crate) trait Poller: Send + Sync + 'static {
    /// Accepts on `listener` until `stop` fires or is dropped.
    fn listen<A: Admit>(
        &self,
        listener: Listener,
        options: SocketOptions,
        admit: A,
        stop: oneshot::Receiver<()>,
    );

    /// Connects `socket` to `to`, unless it is connected already, and runs the link, unless it takes longer than
    /// `timeout`.
    fn dial<S: Sink>(
        &self,
        socket: std::net::TcpStream,
        to: Option<SocketAddr>,
        timeout: Duration,
        link: NewLink<S>,
    );

    /// Runs a link over an established connection.
    fn adopt<S: Sink>(&self, socket: std::net::TcpStream, link: NewLink<S>);

    /// Runs `work` beside the links.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static);

    /// Has [`Host::on_bell`] called soon.
    fn ring(&self);

    /// Has [`Host::on_turn`] called once what is ready now was served.
    fn end_turn(&self);

    /// Whether links are served on the thread of their consumer: then what it sends is written at once.
    fn is_here(&self) -> bool {
        false
    }

    /// Drops every socket and ends the thread, if it has one; returns when that is done.
    fn stop(&self);
}

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

/// Takes the connections of one listener.
pub(crate) trait Admit: Send + 'static {
    type Sink: Sink;
    /// Another poller that may run the link.
    type Elsewhere: Send;

    /// A place for a connection that was accepted; `None` refuses it.
    fn place(&mut self) -> Option<Placement<Self::Sink, Self::Elsewhere>>;
    /// Runs a link elsewhere.
    fn adopt(elsewhere: &Self::Elsewhere, socket: std::net::TcpStream, link: NewLink<Self::Sink>);
    /// Accepting failed for now; it goes on after a pause.
    fn failed(&mut self, error: Error);
    /// The port is free again.
    fn closed(&mut self);
}

/// Where an accepted connection goes; `None` is the poller that accepted it.
pub(crate) struct Placement<S: Sink, E> {
    pub link: NewLink<S>,
    pub elsewhere: Option<E>,
}

/// The owner of a poller, called on the thread that drives the links.
pub(crate) trait Host: Send + Sync + 'static {
    /// Outgoing work waits.
    fn on_bell(&self);
    /// All that was ready has been served: hand the results over.
    fn on_turn(&self);
    /// The poller broke; nothing of it runs any more.
    fn on_failure(&self, why: &str);
}
