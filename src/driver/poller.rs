//! What a way of running links offers.

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::sync::oneshot;

use super::{
    accept::listening,
    dial::{adopted, dial},
    new_link::NewLink,
    sink::Sink,
    task::LinkTask,
};
use crate::{
    error::Error,
    socket::{Listener, SocketOptions},
};

/// Runs links: owns their sockets, and calls the link core when they are ready or time is up.
///
/// All methods may be called from any thread and none waits.
pub(crate) trait Poller: Send + Sync + 'static {
    /// Runs the life of one link; a panic in it is the end of that link alone.
    fn spawn_link<S: Sink>(
        &self,
        beginning: impl Future<Output = Option<LinkTask<S>>> + Send + 'static,
    );

    /// Runs what accepts connections; a panic in it is the end of all.
    fn spawn_listener(&self, life: impl Future<Output = ()> + Send + 'static);

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

    /// Accepts on `listener` until `stop` fires or is dropped.
    fn listen<A: Admit>(
        &self,
        listener: Listener,
        options: SocketOptions,
        admit: A,
        stop: oneshot::Receiver<()>,
    ) {
        self.spawn_listener(listening(listener, options, admit, stop));
    }

    /// Connects `socket` to `to`, unless it is connected already, and runs the link, unless it takes longer than
    /// `timeout`.
    fn dial<S: Sink>(
        &self,
        socket: std::net::TcpStream,
        to: Option<SocketAddr>,
        timeout: Duration,
        link: NewLink<S>,
    ) {
        self.spawn_link(dial(socket, to, timeout, link));
    }

    /// Runs a link over an established connection.
    fn adopt<S: Sink>(&self, socket: std::net::TcpStream, link: NewLink<S>) {
        self.spawn_link(adopted(socket, link));
    }
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
