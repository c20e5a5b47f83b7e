//! Bytes to and from a server: as they are, or under TLS. Blocking or polled is the socket's affair.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use mio::net::TcpStream as PolledStream;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnection, Resumption};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, version};

/// A socket, with a TLS session on it or without.
pub struct Transport<S> {
    socket: S,
    session: Option<Box<ClientConnection>>,
}

/// What every server under test negotiates, so that figures can be compared: TLS 1.3, X25519, no
/// resumption. Certificates are not checked: this client is here for the load.
pub fn config() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    let schemes = provider.signature_verification_algorithms;
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(schemes)))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

impl Transport<TcpStream> {
    /// Takes over a connected socket that blocks; with a configuration it shakes hands.
    pub fn open(mut socket: TcpStream, config: Option<&Arc<ClientConfig>>) -> io::Result<Self> {
        let Some(config) = config else {
            return Ok(Self {
                socket,
                session: None,
            });
        };
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let session = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        let mut session = Box::new(session);
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Self {
            socket,
            session: Some(session),
        })
    }

    /// The same for a poll loop.
    pub fn polled(self) -> io::Result<Transport<PolledStream>> {
        self.socket.set_nonblocking(true)?;
        Ok(Transport {
            socket: PolledStream::from_std(self.socket),
            session: self.session,
        })
    }
}

impl<S> Transport<S> {
    pub fn socket(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Whether a short read may leave something behind: records end where messages do not.
    pub fn is_secure(&self) -> bool {
        self.session.is_some()
    }
}

impl<S: Read> Read for Transport<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else {
            return self.socket.read(buffer);
        };
        loop {
            match session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if session.read_tls(&mut self.socket)? == 0 {
                return Ok(0);
            }
            session.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

impl<S: Write> Write for Transport<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.session.is_none() {
            return self.socket.write(bytes);
        }
        // What is left of earlier records goes first: then the session takes more.
        self.flush()?;
        let Some(session) = &mut self.session else {
            return Ok(0);
        };
        let count = session.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(count),
            Err(error) => Err(error),
            Ok(()) => Ok(count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        while session.wants_write() {
            session.write_tls(&mut self.socket)?;
        }
        Ok(())
    }
}

/// Takes every certificate; the signature of the handshake is checked, as its price belongs to it.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
