//! Where to listen, or whom to call: an address of the network, or a file of this machine.

use super::{
    endpoint::{Endpoint, Use},
    socket_path::SocketPath,
};
use crate::error::Result;

/// An endpoint of any kind, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Site {
    Network(Endpoint),
    File(SocketPath),
}

impl Site {
    pub(super) fn parse(text: &str, to: Use) -> Result<Self> {
        match SocketPath::parse(text) {
            Some(path) => path.map(Self::File),
            None => Endpoint::parse(text, to).map(Self::Network),
        }
    }

    /// The path of a WebSocket.
    pub(super) fn target(&self) -> Option<&str> {
        match self {
            Self::Network(endpoint) => endpoint.target.as_deref(),
            Self::File(_) => None,
        }
    }

    /// Whether the two are WebSockets on one port.
    pub(super) fn shares(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Network(one), Self::Network(other)) => {
                let are_websockets = one.target.is_some() && other.target.is_some();
                are_websockets && one.port != 0 && one.is_at(other)
            }
            _ => false,
        }
    }
}
