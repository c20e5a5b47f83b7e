//! What the WebSockets of one listener, or of one call, have in common before they are open.

use std::{sync::Arc, time::Duration};

use super::{meeting::Meeting, under_way::UnderWay};
use crate::{
    link::ReceiveLimits,
    ws::{Compression, HeadLimits, Params, Role},
};

/// How WebSockets begin, and what bounds them.
#[derive(Debug)]
pub(crate) struct Opening {
    pub limits: ReceiveLimits,
    pub head: HeadLimits,
    /// Offered or accepted; `None` never.
    pub deflate: Option<(Params, Compression)>,
    /// Set: the subprotocol of QWH/1 is spoken.
    pub qwh: Option<Arc<Meeting>>,
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
