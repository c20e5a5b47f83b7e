//! What servers and clients alike decide.

use std::{sync::Arc, time::Duration};

use rustls::{
    NamedGroup, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    version::{TLS12, TLS13},
};

use super::Rules;
use crate::error::{Code, Error, Result};

/// A version that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Tls12,
    Tls13,
}

/// What is done about X25519MLKEM768.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostQuantum {
    /// Not offered and not accepted.
    Off,
    /// Before the others.
    Prefer,
    /// No other; only TLS 1.3 has it, which the settings have to say.
    Require,
}

/// The part that does not depend on the role.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub min: Version,
    pub max: Version,
    /// Application protocols, best first.
    pub alpn: Vec<Vec<u8>>,
    /// Trusted roots in DER; `None` is the system's.
    pub ca: Option<Vec<Vec<u8>>>,
    /// End the handshake with a peer whose certificate does not verify.
    pub reject_unauthorized: bool,
    /// End it with these whatever their certificates say.
    pub rules: Rules,
    pub post_quantum: PostQuantum,
    pub resumption: bool,
    /// For the whole handshake, the owner's verdict included.
    pub timeout: Duration,
    /// The owner is asked about every peer whose handshake is done.
    pub judges: bool,
}

impl Settings {
    /// The cryptography: suites as rustls has them by default, groups as asked for.
    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = aws_lc_rs::default_provider();
        let is_hybrid = |name| name == NamedGroup::X25519MLKEM768;
        match self.post_quantum {
            PostQuantum::Off => provider.kx_groups.retain(|group| !is_hybrid(group.name())),
            // Stable: the others keep their order.
            PostQuantum::Prefer => provider
                .kx_groups
                .sort_by_key(|group| !is_hybrid(group.name())),
            PostQuantum::Require => provider.kx_groups.retain(|group| is_hybrid(group.name())),
        }
        Arc::new(provider)
    }

    /// The versions to speak.
    pub(super) fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>> {
        let spoken = |version| (self.min..=self.max).contains(&version);
        let versions: Vec<_> = [(Version::Tls13, &TLS13), (Version::Tls12, &TLS12)]
            .into_iter()
            .filter_map(|(version, rustls)| spoken(version).then_some(rustls))
            .collect();
        match versions.is_empty() {
            true => Err(config(
                "no version of TLS is between minVersion and maxVersion",
            )),
            false => Ok(versions),
        }
    }
}

/// What cannot be used, and why.
pub(super) fn config(what: impl Into<String>) -> Error {
    Error::new(Code::TlsConfig, what)
}
