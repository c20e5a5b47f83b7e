//! What a client's handshakes begin with.

use std::{sync::Arc, time::Duration};

use rustls::{
    ClientConfig, ClientConnection,
    client::{Resumption, Tls12Resumption},
    pki_types::ServerName,
};

use super::{
    Session,
    identity::Identity,
    settings::{Settings, config},
    trust::Trust,
    verifier::OfServers,
};
use crate::error::Result;

/// Sessions kept to be resumed: a configuration calls one name.
const SESSIONS: usize = 8;

/// A client's part of the settings.
#[derive(Debug)]
pub(crate) struct DialParts {
    pub settings: Settings,
    /// Sent as SNI, unless it is empty or an IP address.
    pub servername: String,
    /// Name or IP address that the server's certificate must be for.
    pub verify_name: String,
    pub identity: Option<Identity>,
}

/// The same, checked and ready, with the sessions that may be resumed.
#[derive(Debug)]
pub(crate) struct Dialing {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    pub(super) servername: String,
    pub(super) verifier: Arc<OfServers>,
    pub(crate) timeout: Duration,
    pub(crate) judges: bool,
}

impl Dialing {
    /// # Errors
    /// `TlsConfig` for what cannot be used.
    pub(crate) fn new(parts: DialParts) -> Result<Self> {
        let DialParts {
            settings,
            servername,
            verify_name,
            identity,
        } = parts;
        let provider = settings.provider();
        let verifier = Arc::new(OfServers {
            trust: Trust::new(settings.ca.as_deref(), &provider)?,
            name: verify_name.clone(),
            rejects: settings.reject_unauthorized,
            rules: settings.rules.clone(),
        });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&settings.versions()?)
            .map_err(|error| config(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
        let mut rustls = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder.with_client_cert_resolver(Arc::new(
                rustls::sign::SingleCertAndKey::from(identity.key),
            )),
        };
        rustls.alpn_protocols = settings.alpn;
        rustls.enable_sni = !servername.is_empty();
        rustls.enable_secret_extraction = true;
        rustls.resumption = match settings.resumption {
            true => Resumption::in_memory_sessions(SESSIONS)
                .tls12_resumption(Tls12Resumption::SessionIdOrTickets),
            false => Resumption::disabled(),
        };
        let called = match servername.is_empty() {
            true => verify_name,
            false => servername.clone(),
        };
        let name = ServerName::try_from(called.trim_end_matches('.').to_owned())
            .map_err(|_| config(format!("{called:?} is not the name of a server")))?;
        Ok(Self {
            config: Arc::new(rustls),
            servername: match name {
                ServerName::DnsName(_) => servername,
                _ => String::new(),
            },
            name,
            verifier,
            timeout: settings.timeout,
            judges: settings.judges,
        })
    }

    /// A handshake that is about to begin.
    ///
    /// # Errors
    /// `TlsConfig` for what only shows now.
    pub(crate) fn begin(&self) -> Result<Session> {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone())
            .map(|connection| Session::new(connection.into()))
            .map_err(|error| config(error.to_string()))
    }
}
