//! How the connections of one listener, or of one call, begin.

use std::sync::Arc;

use super::{endpoint::Endpoint, options::Options, sink::LinkSink};
use crate::{
    driver::{Beginning, Meeting, NewLink, Opening},
    link::Inbound,
    qwh::Side,
};

/// What comes first.
#[derive(Clone, Debug)]
pub(super) enum Start {
    /// The first message.
    Message,
    /// The handshake of QWH/1, or as the settings say the first message.
    Qwh(Arc<Meeting>),
    /// The opening handshake of a WebSocket, with that of QWH/1 over it or without.
    WebSocket(Arc<Opening>),
}

impl Start {
    pub(super) fn of_call(options: &Options, endpoint: &Endpoint) -> Self {
        Self::new(options, endpoint.target.is_some(), Some(endpoint))
    }

    pub(super) fn of_local_call(options: &Options) -> Self {
        Self::of_stream(options.meeting(Side::Initiator))
    }

    pub(super) fn of_listener(options: &Options, is_websocket: bool) -> Self {
        Self::new(options, is_websocket, None)
    }

    fn new(options: &Options, is_websocket: bool, call: Option<&Endpoint>) -> Self {
        let side = match call {
            Some(_) => Side::Initiator,
            None => Side::Responder,
        };
        let meeting = options.meeting(side);
        match is_websocket {
            true => Self::WebSocket(options.opening(call, meeting)),
            false => Self::of_stream(meeting),
        }
    }

    fn of_stream(meeting: Option<Arc<Meeting>>) -> Self {
        meeting.map_or(Self::Message, Self::Qwh)
    }

    pub(super) fn is_websocket(&self) -> bool {
        matches!(self, Self::WebSocket(_))
    }

    /// Gives `link` its beginning.
    pub(super) fn begin(&self, link: NewLink<LinkSink, Inbound>) -> NewLink<LinkSink> {
        let (link, inbound) = link.rebegin(());
        let beginning = match self {
            Self::Message => Beginning::Stream(inbound),
            Self::Qwh(meeting) => Beginning::Qwh(Arc::clone(meeting), inbound),
            Self::WebSocket(opening) => Beginning::WebSocket(Arc::clone(opening)),
        };
        link.rebegin(beginning).0
    }
}
