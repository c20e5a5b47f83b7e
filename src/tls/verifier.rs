//! Who decides about certificates in the handshake.
//!
//! Where `rejectUnauthorized` is off any chain goes through here that no rule is against, and is judged after
//! the handshake for what is told of it. That the peer has the key of its certificate is checked always. What
//! is refused here the peer hears of by an alert before the handshake is done.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::{fingerprint::Rules, trust::Trust};

/// A client's, of servers.
#[derive(Debug)]
pub(super) struct OfServers {
    pub trust: Trust,
    /// Name or IP address that the certificate must be for.
    pub name: String,
    pub rejects: bool,
    pub rules: Rules,
}

/// A server's, of clients.
#[derive(Debug)]
pub(super) struct OfClients {
    pub trust: Trust,
    /// `None`: nobody is trusted.
    pub chains: Option<Arc<dyn ClientCertVerifier>>,
    pub rejects: bool,
    pub rules: Rules,
}

impl OfServers {
    pub(super) fn check(&self, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        self.trust.check_server(chain, &self.name, UnixTime::now())
    }
}

impl OfClients {
    pub(super) fn check(&self, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        match chain.split_first() {
            None => Err(Error::NoCertificatesPresented),
            Some((end_entity, intermediates)) => {
                self.verify(end_entity, intermediates, UnixTime::now())
            }
        }
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let Some(chains) = &self.chains else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        let verified = chains.verify_client_cert(end_entity, intermediates, now);
        self.trust.or_itself(end_entity, verified.map(drop))
    }
}

impl ServerCertVerifier for OfServers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = whole(end_entity, intermediates);
        if self.rejects {
            self.trust.check_server(&chain, &self.name, now)?;
        }
        self.rules.check(&chain)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, self.trust.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, self.trust.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms().supported_schemes()
    }
}

impl ClientCertVerifier for OfClients {
    fn client_auth_mandatory(&self) -> bool {
        self.rejects
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.chains {
            // Clients with a certificate of someone else's are to show it where any will do.
            Some(chains) if self.rejects => chains.root_hint_subjects(),
            _ => &[],
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.rejects {
            self.verify(end_entity, intermediates, now)?;
        }
        self.rules.check(&whole(end_entity, intermediates))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, self.trust.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, self.trust.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms().supported_schemes()
    }
}

fn whole<'a>(
    end_entity: &CertificateDer<'a>,
    intermediates: &[CertificateDer<'a>],
) -> Vec<CertificateDer<'a>> {
    std::iter::once(end_entity)
        .chain(intermediates)
        .cloned()
        .collect()
}
