//! The first message of a client, which may be held until it is decided how to answer.

use std::ops::Range;

use rustls::{
    AlertDescription, Error as Tls,
    server::{Accepted, AcceptedAlert, Acceptor},
};

use super::{INTERNAL_ERROR, Listening, Session, alert, fault::fault, identity::Identity};
use crate::error::Error;

/// Longest record, and what encryption may add to it (RFC 5246, section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + (1 << 11);

/// Where a record has its length (RFC 8446, section 5.1).
const LENGTH: Range<usize> = 3..5;
/// Where a hello has its version, behind the heads of its record and message (RFC 8446, section 4.1.2).
const VERSION: Range<usize> = 9..11;
/// That of TLS 1.2, which TLS 1.3 has there too.
const TLS12: [u8; 2] = [3, 3];

/// Whether `bytes`, which begin a stream, may be the first of TLS.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    // Content types of RFC 8446, section 5.1; the versions on records are 3.x.
    let begins = [20..=24, 3..=3, 0..=4];
    let is_legal = bytes
        .iter()
        .zip(begins)
        .all(|(byte, legal)| legal.contains(byte));
    let length = bytes.get(3..5).map_or(0, |bytes| {
        usize::from(bytes[0]) << 8 | usize::from(bytes[1])
    });
    is_legal && length <= MAX_RECORD
}

/// Reads a client's hello.
#[derive(Default)]
pub(crate) struct HelloReader {
    acceptor: Acceptor,
    /// Its first bytes, up to its version.
    beginning: Vec<u8>,
}

/// A client's hello.
pub(crate) struct ClientHello {
    accepted: Accepted,
    /// The name asked for, empty for none.
    pub name: String,
    /// Bytes behind it that are not taken in yet.
    pub behind: Vec<u8>,
}

/// A handshake that fails at once: why, and what the client is told.
pub(crate) type Refusal = (Error, Vec<u8>);

impl HelloReader {
    /// Takes what was received; gives the hello when it is whole.
    ///
    /// # Errors
    /// A hello that is none, or that is larger than 64 KiB.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Result<Option<Box<ClientHello>>, Refusal> {
        let missing = VERSION.end - self.beginning.len();
        self.beginning.extend(bytes.iter().take(missing));
        loop {
            // Zero bytes are taken where the length of a record is out of range, and an error is given where
            // the hello is too large.
            let taken = self.acceptor.read_tls(&mut bytes).unwrap_or(0);
            match self.acceptor.accept() {
                Ok(Some(accepted)) => {
                    let hello = accepted.client_hello();
                    let name = hello.server_name().unwrap_or_default().to_owned();
                    return Ok(Some(Box::new(ClientHello {
                        accepted,
                        name,
                        behind: bytes.to_vec(),
                    })));
                }
                Ok(None) if bytes.is_empty() => return Ok(None),
                Ok(None) if taken == 0 => {
                    let error = Tls::PeerSentOversizedRecord;
                    return Err((fault(&error), Vec::new()));
                }
                Ok(None) => {}
                Err((error, alert)) => return Err((fault(&error), self.answer_to(&error, alert))),
            }
        }
    }

    /// rustls misses the signature algorithms, which only TLS 1.2 has, before it looks at the version.
    fn answer_to(&self, error: &Tls, alert: AcceptedAlert) -> Vec<u8> {
        match error {
            Tls::PeerIncompatible(_) if self.is_before_tls12() => {
                alert::in_clear(AlertDescription::ProtocolVersion)
            }
            _ => written(alert),
        }
    }

    /// False where the version cannot be seen: a hello may be cut into records anywhere.
    fn is_before_tls12(&self) -> bool {
        let length = self.beginning.get(LENGTH).unwrap_or_default();
        let behind_version = [0, (VERSION.end - LENGTH.end) as u8];
        let version = self.beginning.get(VERSION);
        length >= &behind_version[..] && version.is_some_and(|version| version < &TLS12[..])
    }
}

impl ClientHello {
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
        let config = listening.config_with(identity);
        match self.accepted.into_connection(config) {
            Ok(connection) => Ok(Session::new(connection.into())),
            Err((error, alert)) => Err((fault(&error), written(alert))),
        }
    }

    /// What the client is told where the owner has no identity for it.
    pub(crate) fn refusal() -> Vec<u8> {
        alert::in_clear(INTERNAL_ERROR)
    }
}

fn written(mut alert: AcceptedAlert) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Into memory: cannot fail.
    let _ = alert.write_all(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    /// A hello of TLS 1.1 or 1.2 without extensions, as OpenSSL sends it, in records of so many bytes.
    fn hello(minor: u8, record: usize) -> Vec<u8> {
        let body = [&[3, minor][..], &[7; 32], &[0], &[0, 2, 0xc0, 9], &[1, 0]].concat();
        let message = [&[1, 0, 0, body.len() as u8][..], &body].concat();
        let records = message.chunks(record);
        records
            .flat_map(|part| [&[22, 3, 1, 0, part.len() as u8][..], part].concat())
            .collect()
    }

    #[test]
    fn who_knows_nothing_newer_is_told_that_it_is_the_version() {
        for pieces in [1, 7, 1000] {
            let mut reader = HelloReader::default();
            let hello = hello(2, 100);
            let refusal = hello
                .chunks(pieces)
                .find_map(|piece| reader.read(piece).err());
            let (error, alert) = refusal.expect("refused");
            assert_eq!(error.code(), Code::TlsIncompatible);
            assert_eq!(alert, alert::in_clear(AlertDescription::ProtocolVersion));
        }
    }

    #[test]
    fn a_version_that_is_new_enough_or_not_to_be_seen_is_not_blamed() {
        for (minor, record) in [(3, 100), (3, 1), (3, 5), (2, 1), (2, 5)] {
            let refusal = HelloReader::default().read(&hello(minor, record));
            let (error, alert) = refusal.err().expect("refused");
            assert_eq!(error.code(), Code::TlsIncompatible);
            assert_eq!(alert, alert::in_clear(AlertDescription::HandshakeFailure));
        }
    }
}
