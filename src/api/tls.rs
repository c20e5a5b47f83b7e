//! TLS as Rust programs ask for it.

use std::{fmt, sync::Arc, time::Duration};

use zeroize::Zeroizing;

use crate::{
    driver::{Guard, Security},
    error::Result,
    tls::{
        DialParts, Dialing, Fingerprint, Identity, Info, ListenParts, Listening, PostQuantum,
        Rules, Settings, Version, certificates,
    },
};

/// The TLS of `tls://` endpoints: TLS 1.2 and 1.3, with the post-quantum group X25519MLKEM768 where both ends
/// have it.
///
/// Certificates and keys are PEM, or DER where there is only one. A server needs an identity; a client needs
/// nothing but, for servers of a private authority, its certificate as `ca`.
///
/// ```
/// use qwormhole::{Options, TlsIdentity, TlsOptions, connect, listen};
///
/// # fn certificates() -> (String, String, String) {
/// #     let key = rcgen::KeyPair::generate().unwrap();
/// #     let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
/// #     params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
/// #     let ca = params.self_signed(&key).unwrap().pem();
/// #     let issuer = rcgen::Issuer::new(params, key);
/// #     let key = rcgen::KeyPair::generate().unwrap();
/// #     let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
/// #     (ca, params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> qwormhole::Result<()> {
/// # let (ca, certificate, key) = certificates();
/// let server = listen(
///     "tls://127.0.0.1:0",
///     Options {
///         tls: TlsOptions {
///             identity: Some(TlsIdentity::new(certificate, key)),
///             ..TlsOptions::default()
///         },
///         ..Options::default()
///     },
/// )
/// .await?;
/// let options = Options {
///     tls: TlsOptions {
///         ca: Some(ca.into()),
///         server_name: Some("localhost".to_owned()),
///         ..TlsOptions::default()
///     },
///     ..Options::default()
/// };
/// let (client, accepted) = tokio::join!(connect(server.address(), options), server.accept());
/// let (client, mut accepted) = (client?, accepted?);
///
/// client.send("in private")?;
/// assert_eq!(accepted.recv().await.transpose()?.as_deref(), Some(&b"in private"[..]));
/// assert_eq!(client.tls().map(|tls| tls.protocol), Some("TLSv1.3"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// What we show: a server always, a client where it is asked. Default none.
    pub identity: Option<TlsIdentity>,
    /// Certificates of the authorities that are trusted. Default: the system's.
    pub ca: Option<Vec<u8>>,
    /// Lets only clients in whose certificate one of `ca` has signed. Servers only. Default false.
    pub require_client_cert: bool,
    /// Application protocols (ALPN), best first. Default none: it is not spoken.
    pub alpn: Vec<String>,
    /// Fingerprints of which the peer's certificate or its key must have one, besides what is checked anyway.
    /// On a server with [`require_client_cert`](Self::require_client_cert). Default none: any will do.
    pub pins: Vec<Fingerprint>,
    /// The name that the server is asked for and that its certificate must be for. Clients only. Default: the
    /// endpoint's host.
    pub server_name: Option<String>,
    /// For the TLS handshake. Default 10 s.
    pub handshake_timeout: Duration,
    /// TLS handshakes that may be under way at once. Beyond, the connection that has been silent the longest is
    /// reset, or the new one where all others wait for their handshake's end. Servers only.
    /// Default 1,024.
    pub max_pending_handshakes: usize,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            identity: None,
            ca: None,
            require_client_cert: false,
            alpn: Vec::new(),
            pins: Vec::new(),
            server_name: None,
            handshake_timeout: Duration::from_secs(10),
            max_pending_handshakes: 1024,
        }
    }
}

/// A certificate with its key.
#[derive(Clone)]
pub struct TlsIdentity {
    chain: Vec<u8>,
    /// Wiped when it is dropped.
    key: Zeroizing<Vec<u8>>,
}

impl TlsIdentity {
    /// `chain`: the certificate and those that lead to a root, in PEM, or the certificate in DER. `key`: PKCS #8,
    /// PKCS #1 or SEC 1 in PEM, or PKCS #8 in DER; not encrypted. Both are checked when they are used.
    pub fn new(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self {
            chain: chain.into(),
            key: Zeroizing::new(key.into()),
        }
    }

    fn read(&self) -> Result<Identity> {
        Identity::read(&self.chain, &self.key)
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}

/// What a TLS handshake decided.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsInfo {
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: &'static str,
    /// The cipher suite, as IANA's registry has it.
    pub cipher: String,
    /// The key exchange, as IANA's registry has it; empty where a session of TLS 1.2 was resumed.
    pub group: String,
    /// The application protocol agreed on, empty for none.
    pub alpn: String,
    /// The name that the client asked for, empty for none.
    pub server_name: String,
    /// The peer's certificates in DER, its own first; empty if it has shown none.
    pub peer_chain: Vec<Vec<u8>>,
    /// The session was resumed: the peer's certificates are those of the first handshake.
    pub is_resumed: bool,
}

impl From<&Info> for TlsInfo {
    fn from(info: &Info) -> Self {
        Self {
            protocol: info.protocol,
            cipher: info.cipher.clone(),
            group: info.group.clone(),
            alpn: info.alpn.clone(),
            server_name: info.servername.clone(),
            peer_chain: info.peer_chain.clone(),
            is_resumed: info.is_resumed,
        }
    }
}

impl TlsOptions {
    /// For a listener.
    pub(super) fn server(&self) -> Result<Security> {
        let identities = match &self.identity {
            Some(identity) => vec![identity.read()?],
            None => Vec::new(),
        };
        let listening = Listening::new(ListenParts {
            settings: self.settings()?,
            identities,
            asks_identity: false,
            request_cert: self.require_client_cert,
            revision: 0,
        })?;
        let most = self.max_pending_handshakes;
        Ok(Security::Server(Arc::new(Guard::new(listening, most))))
    }

    /// For calls to `host`.
    pub(super) fn client(&self, host: &str) -> Result<Security> {
        let name = self.server_name.as_deref().unwrap_or(host);
        let dialing = Dialing::new(DialParts {
            settings: self.settings()?,
            servername: name.to_owned(),
            verify_name: name.to_owned(),
            identity: self.identity.as_ref().map(TlsIdentity::read).transpose()?,
        })?;
        Ok(Security::Client(Arc::new(dialing)))
    }

    fn settings(&self) -> Result<Settings> {
        Ok(Settings {
            min: Version::Tls12,
            max: Version::Tls13,
            alpn: self
                .alpn
                .iter()
                .map(|name| name.as_bytes().into())
                .collect(),
            ca: self.ca.as_deref().map(certificates).transpose()?,
            reject_unauthorized: true,
            rules: Rules {
                pins: (!self.pins.is_empty()).then(|| self.pins.clone()),
                revoked: Vec::new(),
            },
            post_quantum: PostQuantum::Prefer,
            resumption: true,
            timeout: self.handshake_timeout,
            judges: false,
        })
    }
}
