//! What a handshake decided.

use rustls::{Connection, HandshakeKind, NamedGroup, ProtocolVersion, pki_types::CertificateDer};

use super::{Dialing, Listening, fault};
use crate::error::{Error, Result};

/// What both ends of a handshake are told.
#[derive(Debug)]
pub(crate) struct Info {
    /// As `node:tls` says it.
    pub protocol: &'static str,
    /// As IANA's registry has it.
    pub cipher: String,
    /// Empty where none was agreed on.
    pub group: String,
    /// Empty for none.
    pub alpn: String,
    /// Empty for none.
    pub servername: String,
    /// DER, the end entity's first.
    pub peer_chain: Vec<Vec<u8>>,
    /// Why the peer is not authorized, if it is not. On a server that asks for no certificate no client is.
    pub unauthorized: Option<Error>,
    /// A client has shown no certificate to a server that asked for none.
    pub is_anonymous: bool,
    pub is_resumed: bool,
}

impl Info {
    /// Of a handshake with a client.
    ///
    /// # Errors
    /// A resumed session's certificate may have become invalid; a client without one fits no pin.
    pub(super) fn of_client(connection: &Connection, listening: &Listening) -> Result<Self> {
        let servername = match connection {
            Connection::Server(server) => server.server_name().unwrap_or_default(),
            Connection::Client(_) => "",
        };
        let is_resumed = is_resumed(connection);
        // In other handshakes the verifier has seen to it.
        if is_resumed || chain(connection).is_empty() {
            listening
                .rules
                .check(chain(connection))
                .map_err(|error| fault(&error))?;
        }
        let unauthorized = match &listening.verifier {
            Some(verifier) if is_resumed || !verifier.rejects => {
                verifier.check(chain(connection)).err()
            }
            _ => None,
        };
        let mut info = Self::of(connection, servername, unauthorized, listening.rejects)?;
        info.is_anonymous = listening.verifier.is_none();
        Ok(info)
    }

    /// Of a handshake with a server.
    ///
    /// # Errors
    /// A resumed session's certificate may have become invalid.
    pub(super) fn of_server(connection: &Connection, dialing: &Dialing) -> Result<Self> {
        let verifier = &dialing.verifier;
        if is_resumed(connection) {
            let ruled = verifier.rules.check(chain(connection));
            ruled.map_err(|error| fault(&error))?;
        }
        let unauthorized = match is_resumed(connection) || !verifier.rejects {
            true => verifier.check(chain(connection)).err(),
            false => None,
        };
        Self::of(
            connection,
            &dialing.servername,
            unauthorized,
            verifier.rejects,
        )
    }

    fn of(
        connection: &Connection,
        servername: &str,
        unauthorized: Option<rustls::Error>,
        rejects: bool,
    ) -> Result<Self> {
        let unauthorized = unauthorized.map(|error| fault(&error));
        if let Some(error) = &unauthorized
            && rejects
        {
            return Err(error.again());
        }
        let cipher = connection
            .negotiated_cipher_suite()
            .map_or(String::new(), |suite| {
                // rustls' own prefix tells the versions apart; the registry has one for both.
                format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
            });
        Ok(Self {
            protocol: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
                _ => "TLSv1.2",
            },
            cipher,
            group: connection
                .negotiated_key_exchange_group()
                .map_or(String::new(), |group| group_name(group.name())),
            alpn: String::from_utf8_lossy(connection.alpn_protocol().unwrap_or_default())
                .into_owned(),
            servername: servername.to_owned(),
            peer_chain: chain(connection).iter().map(|der| der.to_vec()).collect(),
            unauthorized,
            is_anonymous: false,
            is_resumed: is_resumed(connection),
        })
    }

    /// The peer's chain leads to a trusted root, is valid now, and for a server the name fits.
    pub(crate) fn is_authorized(&self) -> bool {
        self.unauthorized.is_none() && !self.is_anonymous
    }
}

fn chain(connection: &Connection) -> &[CertificateDer<'static>] {
    connection.peer_certificates().unwrap_or_default()
}

fn is_resumed(connection: &Connection) -> bool {
    connection.handshake_kind() == Some(HandshakeKind::Resumed)
}

/// As IANA's registry has it.
fn group_name(group: NamedGroup) -> String {
    match group {
        NamedGroup::X25519 => "x25519".to_owned(),
        NamedGroup::X448 => "x448".to_owned(),
        other => format!("{other:?}"),
    }
}
