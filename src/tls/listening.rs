//! What a server's handshakes begin with.

use std::{sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::Ticketer,
    server::{NoServerSessionStorage, StoresServerSessions, WebPkiClientVerifier},
    sign::SingleCertAndKey,
};

use super::{
    Rules,
    identity::{Identities, Identity},
    settings::{Settings, config},
    trust::Trust,
    verifier::OfClients,
};
use crate::error::Result;

/// A server's part of the settings.
#[derive(Debug)]
pub(crate) struct ListenParts {
    pub settings: Settings,
    /// The first that fits the name asked for is shown, else the first.
    pub identities: Vec<Identity>,
    /// The owner is asked where no identity's names fit.
    pub asks_identity: bool,
    /// Ask clients for a certificate.
    pub request_cert: bool,
    /// By which the owner knows these settings from those before and after.
    pub revision: u32,
}

/// The same, checked and ready. Sessions of one are not resumed by another.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(super) config: Arc<ServerConfig>,
    identities: Arc<Identities>,
    /// Where clients are asked for a certificate.
    pub(super) verifier: Option<Arc<OfClients>>,
    asks_identity: bool,
    pub(super) rejects: bool,
    pub(super) rules: Rules,
    pub(crate) timeout: Duration,
    pub(crate) judges: bool,
    /// As in the parts.
    pub(crate) revision: u32,
}

impl Listening {
    /// # Errors
    /// `TlsConfig` for what cannot be used.
    pub(crate) fn new(parts: ListenParts) -> Result<Self> {
        let ListenParts {
            settings,
            identities,
            asks_identity,
            request_cert,
            revision,
        } = parts;
        let identities = Arc::new(Identities::new(identities)?);
        let provider = settings.provider();
        let verifier = match request_cert {
            false => None,
            true => {
                let trust = Trust::new(settings.ca.as_deref(), &provider)?;
                let chains = trust.client_verifier(&provider)?;
                let rejects = settings.reject_unauthorized;
                Some(Arc::new(OfClients {
                    trust,
                    chains,
                    rejects,
                    rules: settings.rules.clone(),
                }))
            }
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&settings.versions()?)
            .map_err(|error| config(error.to_string()))?
            .with_client_cert_verifier(match &verifier {
                Some(verifier) => Arc::clone(verifier) as _,
                None => WebPkiClientVerifier::no_client_auth(),
            });
        let mut rustls = builder.with_cert_resolver(Arc::clone(&identities) as _);
        rustls.alpn_protocols = settings.alpn;
        // One is enough for a client to know that it is in, and to come back once.
        rustls.send_tls13_tickets = 1;
        // For the alert to a client that the owner refuses; see `alert`.
        rustls.enable_secret_extraction = true;
        match settings.resumption {
            true => {
                rustls.session_storage = Arc::new(NoServerSessionStorage {});
                rustls.ticketer = Ticketer::new()
                    .map_err(|error| config(format!("no keys for tickets: {error}")))?;
            }
            false => rustls.session_storage = Arc::new(Forgetful),
        }
        Ok(Self {
            config: Arc::new(rustls),
            identities,
            verifier,
            asks_identity,
            rejects: settings.reject_unauthorized,
            rules: settings.rules,
            revision,
            timeout: settings.timeout,
            judges: settings.judges,
        })
    }

    /// Whether the owner is to be asked which identity a client that calls `name` is shown.
    pub(super) fn asks_about(&self, name: &str) -> bool {
        self.asks_identity && !name.is_empty() && self.identities.fitting(name).is_none()
    }

    /// The configuration that shows `identity`, or by the name that is asked for.
    pub(super) fn config_with(&self, identity: Option<&Identity>) -> Arc<ServerConfig> {
        match identity {
            None => Arc::clone(&self.config),
            Some(identity) => {
                let mut config = ServerConfig::clone(&self.config);
                config.cert_resolver = Arc::new(SingleCertAndKey::from(Arc::clone(&identity.key)));
                Arc::new(config)
            }
        }
    }
}

/// Takes sessions and forgets them: clients get their ticket, which tells them that they are in, and resume
/// nothing.
#[derive(Debug)]
struct Forgetful;

impl StoresServerSessions for Forgetful {
    fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
        true
    }

    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        false
    }
}
