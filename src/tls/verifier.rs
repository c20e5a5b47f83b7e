//! Who decides about certificates in the handshake.
//!
//! Where `rejectUnauthorized` is off any chain goes through here, and is judged after the handshake for what
//! is told of it. That the peer has the key of its certificate is checked always.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::trust::Trust;

/// A client's, of servers.
#[derive(Debug)]
pub(super) struct OfServers {
    pub trust: Trust,
    /// Name or IP address that the certificate must be for.
    pub name: String,
    pub rejects: bool,
}

/// A server's, of clients.
#[derive(Debug)]
pub(super) struct OfClients {
    pub trust: Trust,
    /// `None`: nobody is trusted.
    pub chains: Option<Arc<dyn ClientCertVerifier>>,
    pub rejects: bool,
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
            Some((end_entity, intermediates)) => self
                .verify(end_entity, intermediates, UnixTime::now())
                .map(drop),
        }
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match &self.chains {
            Some(chains) => chains.verify_client_cert(end_entity, intermediates, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
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
        if self.rejects {
            let chain: Vec<_> = std::iter::once(end_entity)
                .chain(intermediates)
                .cloned()
                .collect();
            self.trust.check_server(&chain, &self.name, now)?;
        }
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
        match self.rejects {
            true => self.verify(end_entity, intermediates, now),
            false => Ok(ClientCertVerified::assertion()),
        }
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
