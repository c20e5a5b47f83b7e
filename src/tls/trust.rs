//! Who is trusted, and whether a peer's chain leads there.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, OtherError, RootCertStore,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{ParsedCertificate, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::settings::config;
use crate::error::Result;

/// Trusted roots.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    /// The roots were given, and not the system's.
    is_own: bool,
}

impl Trust {
    /// `ca` in DER; `None` is the system's.
    pub(super) fn new(ca: Option<&[Vec<u8>]>, provider: &CryptoProvider) -> Result<Self> {
        Ok(Self {
            roots: match ca {
                Some(ca) => Arc::new(given(ca)?),
                None => system(),
            },
            algorithms: provider.signature_verification_algorithms,
            is_own: ca.is_some(),
        })
    }

    pub(super) fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.algorithms
    }

    /// Whether a server's chain leads to a root and is valid now, and the server's certificate is for `name`.
    pub(super) fn check_server(
        &self,
        chain: &[CertificateDer<'_>],
        name: &str,
        now: UnixTime,
    ) -> std::result::Result<(), rustls::Error> {
        let Some((end_entity, intermediates)) = chain.split_first() else {
            return Err(rustls::Error::NoCertificatesPresented);
        };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        let name = ServerName::try_from(name)
            .map_err(|error| CertificateError::Other(OtherError(Arc::new(error))))?;
        verify_server_name(&certificate, &name)
    }

    /// Checks clients' chains; `None` where nobody is trusted.
    pub(super) fn client_verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>> {
        if self.roots.is_empty() {
            return Ok(None);
        }
        let builder = WebPkiClientVerifier::builder_with_provider(
            Arc::clone(&self.roots),
            Arc::clone(provider),
        );
        // Clients are told whose certificates will do; all of a system's roots would be kilobytes.
        let builder = match self.is_own {
            true => builder,
            false => builder.clear_root_hint_subjects(),
        };
        builder.build().map(Some).map_err(|error| {
            config(format!(
                "the certificate authorities cannot be used: {error}"
            ))
        })
    }
}

fn given(ca: &[Vec<u8>]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in ca {
        roots
            .add(CertificateDer::from(root.as_slice()).into_owned())
            .map_err(|error| config(format!("a certificate authority cannot be used: {error}")))?;
    }
    Ok(roots)
}

/// The system's roots as data rather than the system's verifier: one verifier decides on every platform, with
/// the same codes, and none asks the network while an I/O thread waits. Read once a process.
fn system() -> Arc<RootCertStore> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "reading the system's trusted certificates");
        }
        let mut roots = RootCertStore::empty();
        // Systems have some that no verifier takes: the others count.
        roots.add_parsable_certificates(found.certs);
        Arc::new(roots)
    };
    Arc::clone(SYSTEM.get_or_init(read))
}
