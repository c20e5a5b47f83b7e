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
    /// Those that were given: none are the system's.
    given: Option<Arc<[CertificateDer<'static>]>>,
}

impl Trust {
    /// `ca` in DER; `None` is the system's.
    pub(super) fn new(ca: Option<&[Vec<u8>]>, provider: &CryptoProvider) -> Result<Self> {
        let given: Option<Arc<[_]>> = ca.map(|ca| {
            let owned = |der: &Vec<u8>| CertificateDer::from(der.clone());
            ca.iter().map(owned).collect()
        });
        Ok(Self {
            roots: match &given {
                Some(given) => Arc::new(store(given)?),
                None => system(),
            },
            algorithms: provider.signature_verification_algorithms,
            given,
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
        let verified = verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        );
        self.or_itself(end_entity, verified)?;
        let name = ServerName::try_from(name)
            .map_err(|error| CertificateError::Other(OtherError(Arc::new(error))))?;
        verify_server_name(&certificate, &name)
    }

    /// What was found of a peer's chain, for one thing: a certificate that is itself given as trusted needs no
    /// other to vouch for it, also where it is an authority's, as those are that `openssl req -x509` makes.
    /// Of one that is not trusted it is then said that it signed itself.
    pub(super) fn or_itself(
        &self,
        end_entity: &CertificateDer<'_>,
        verified: std::result::Result<(), rustls::Error>,
    ) -> std::result::Result<(), rustls::Error> {
        // Both are found after its dates and before anything about its issuer.
        let (is_authority, is_unknown) = match &verified {
            Err(rustls::Error::InvalidCertificate(why)) => {
                (is_authority(why), *why == CertificateError::UnknownIssuer)
            }
            _ => return verified,
        };
        let mut given = self.given.iter().flat_map(|given| given.iter());
        if (is_authority || is_unknown) && given.any(|given| given == end_entity) {
            return Ok(());
        }
        match is_authority && is_self_issued(end_entity) {
            true => Err(CertificateError::UnknownIssuer.into()),
            false => verified,
        }
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
        let builder = match &self.given {
            Some(_) => builder,
            None => builder.clear_root_hint_subjects(),
        };
        builder.build().map(Some).map_err(|error| {
            config(format!(
                "the certificate authorities cannot be used: {error}"
            ))
        })
    }
}

/// Whether a certificate is refused for being an authority's.
pub(super) fn is_authority(why: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(why)) = why else {
        return false;
    };
    why.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

fn is_self_issued(der: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(der).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

fn store(given: &[CertificateDer<'static>]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in given {
        roots
            .add(root.clone())
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
