//! What the WebSockets of one listener, or of one call, have in common before they are open.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::ws::{Compression, HeadLimits, Limits, Params, Role};

/// How WebSockets begin, and what bounds them.
#[derive(Debug)]
pub(crate) struct Opening {
    pub limits: Limits,
    pub head: HeadLimits,
    /// Offered or accepted; `None` never.
    pub deflate: Option<(Params, Compression)>,
    /// For the whole opening handshake.
    pub timeout: Duration,
    /// Ours, where we are the client.
    pub call: Option<Call>,
    /// Of a listener: handshakes under way.
    pub under_way: Arc<UnderWay>,
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub target: String,
    pub authority: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    pub subprotocols: Vec<String>,
}

impl Opening {
    pub(super) fn role(&self) -> Role {
        match self.call {
            Some(_) => Role::Client,
            None => Role::Server,
        }
    }
}

/// Counts the handshakes of a listener that are not over.
#[derive(Debug)]
pub(crate) struct UnderWay {
    count: AtomicUsize,
    most: AtomicUsize,
}

impl UnderWay {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            count: AtomicUsize::new(0),
            most: AtomicUsize::new(most),
        })
    }

    /// From now on there may be so many.
    pub(super) fn set_most(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// A place for one more, until it is dropped; `None` if there are too many.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Place> {
        let place = Place(Arc::clone(self));
        (self.count.fetch_add(1, Ordering::Relaxed) < self.most.load(Ordering::Relaxed))
            .then_some(place)
    }
}

/// One handshake under way.
#[derive(Debug)]
pub(super) struct Place(Arc<UnderWay>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}
