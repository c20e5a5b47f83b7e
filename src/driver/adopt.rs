//! Connections whose opening handshake somebody else has read: an HTTP server that shares its port.

use super::{
    handle::Handle, incoming::Incoming, new_link::Beginning, opening::Opening, sink::Agreed,
    upgrade::Agreement,
};
use crate::{
    error::{Code, Error, Result},
    ws::{extensions, response},
};

/// A request that was let in, as far as its answer depends on it.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    pub key: &'a str,
    /// The value of `Sec-WebSocket-Extensions`, empty for none.
    pub extensions: &'a str,
    /// Empty for none.
    pub subprotocol: &'a str,
    /// What was received behind the request.
    pub first: Vec<u8>,
}

/// What a connection begins with once its 101 is on its way.
pub(crate) struct Begun {
    pub(super) incoming: Incoming,
    pub(super) agreed: Agreed,
}

/// The answer to a request that was let in.
pub(crate) struct Answer {
    bytes: Vec<u8>,
    agreement: Agreement,
}

impl Answer {
    /// # Errors
    /// `Handshake` for extensions that do not follow the grammar, `OptionInvalid` for what cannot stand in
    /// a header.
    pub(crate) fn to(request: Admitted<'_>, opening: &Opening) -> Result<Self> {
        let offers = match request.extensions {
            "" => Vec::new(),
            value => extensions::parse([value.as_bytes()]).map_err(|_| {
                let what = "the client's extensions do not follow the grammar";
                Error::new(Code::Handshake, what)
            })?,
        };
        let deflate = opening
            .deflate
            .and_then(|(ours, _)| extensions::accept(&offers, &ours));
        let (deflate, extensions) = deflate.unzip();
        let protocol = (!request.subprotocol.is_empty()).then_some(request.subprotocol);
        Ok(Self {
            bytes: response::upgrade_by_key(request.key, protocol, extensions.as_deref())?,
            agreement: Agreement {
                subprotocol: request.subprotocol.to_owned(),
                deflate,
                first: request.first,
            },
        })
    }

    /// Whether messages will be compressed.
    pub(crate) fn is_deflated(&self) -> bool {
        self.agreement.deflate.is_some()
    }

    /// Queues the answer in front of all that the owner may send from now on.
    pub(crate) fn send(self, handle: &Handle, opening: &Opening) -> Beginning {
        let (incoming, agreed) = self.agreement.conclude(handle, opening);
        // Where control frames go: in front of the messages, and packed before anything is read.
        handle.lock().out.control(&self.bytes);
        Beginning::Open(Box::new(Begun { incoming, agreed }))
    }
}
