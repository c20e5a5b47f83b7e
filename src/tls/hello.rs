//! The first message of a client, which may be held until it is decided how to answer.

use rustls::{
    Error as Tls,
    server::{Accepted, Acceptor},
};

use super::{INTERNAL_ERROR, Listening, Session, alert, fault::fault, identity::Identity};
use crate::error::Error;

/// Whether `bytes`, which begin a stream, may be the first of TLS.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    // Content types of RFC 8446, section 5.1; the versions on records are 3.x.
    let begins = [20..=24, 3..=3, 0..=4];
    bytes
        .iter()
        .zip(begins)
        .all(|(byte, legal)| legal.contains(byte))
}

/// Reads a client's hello.
#[derive(Default)]
pub(crate) struct Hello {
    acceptor: Acceptor,
}

/// How far the reading has come.
pub(crate) enum Reading {
    Partial,
    Whole(Box<Greeting>),
}

/// A client's hello.
pub(crate) struct Greeting {
    accepted: Accepted,
    /// The name asked for, empty for none.
    pub name: String,
}

/// A handshake that fails at once: why, and what the client is told.
pub(crate) type Refusal = (Error, Vec<u8>);

impl Hello {
    /// Takes what was received.
    ///
    /// # Errors
    /// A hello that is none, or that is larger than 64 KiB.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Result<Reading, Refusal> {
        loop {
            // Zero bytes are taken where the length of a record is out of range, and an error is given where
            // the hello is too large.
            let taken = self.acceptor.read_tls(&mut bytes).unwrap_or(0);
            match self.acceptor.accept() {
                Ok(Some(accepted)) => {
                    let hello = accepted.client_hello();
                    let name = hello.server_name().unwrap_or_default().to_owned();
                    return Ok(Reading::Whole(Box::new(Greeting { accepted, name })));
                }
                Ok(None) if bytes.is_empty() => return Ok(Reading::Partial),
                Ok(None) if taken == 0 => {
                    let error = Tls::PeerSentOversizedRecord;
                    return Err((fault(&error), Vec::new()));
                }
                Ok(None) => {}
                Err((error, mut alert)) => {
                    let mut said = Vec::new();
                    // Into memory: cannot fail.
                    let _ = alert.write_all(&mut said);
                    return Err((fault(&error), said));
                }
            }
        }
    }
}

impl Greeting {
    /// Whether the owner is to be asked for an identity.
    pub(crate) fn asks(&self, listening: &Listening) -> bool {
        listening.asks_about(&self.name)
    }

    /// Answers; with `identity` where the owner named one.
    pub(crate) fn answer(
        self,
        listening: &Listening,
        identity: Option<&Identity>,
    ) -> Result<Session, Refusal> {
        match self
            .accepted
            .into_connection(listening.config_with(identity))
        {
            Ok(connection) => Ok(Session::new(connection.into())),
            Err((error, mut alert)) => {
                let mut said = Vec::new();
                let _ = alert.write_all(&mut said);
                Err((fault(&error), said))
            }
        }
    }

    /// What the client is told where the owner has no identity for it.
    pub(crate) fn refuse() -> Vec<u8> {
        alert::in_clear(INTERNAL_ERROR)
    }
}
