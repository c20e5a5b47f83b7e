//! TLS settings as they come from TypeScript, where they were read, decrypted and checked.

use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;

use super::{fault::Fault, spec::millis};
use crate::{
    driver::Guard,
    error::{Code, Error, Result},
    tls::{
        DialParts, Dialing, Fingerprint, Identity, ListenParts, Listening, PostQuantum, Rules,
        Settings, Version,
    },
};

/// `TlsSettings`.
#[napi(object)]
pub struct TlsSpec {
    /// `TLSv1.2` or `TLSv1.3`.
    pub min_version: String,
    /// `TLSv1.2` or `TLSv1.3`.
    pub max_version: String,
    /// Best first.
    pub alpn: Vec<String>,
    /// DER; absent is the system's.
    pub ca: Option<Vec<Buffer>>,
    /// End the handshake with a peer whose certificate does not verify.
    pub reject_unauthorized: bool,
    /// The peer's own certificate must have one of them; absent: any will do.
    pub pins: Option<Vec<TlsFingerprintSpec>>,
    /// No certificate that the peer sends may have one of them.
    pub revoked: Vec<TlsFingerprintSpec>,
    /// `off`, `prefer` or `require`.
    pub post_quantum: String,
    /// Sessions may be resumed.
    pub resumption: bool,
    /// Milliseconds.
    pub handshake_timeout_ms: u32,
    /// The owner judges every peer.
    pub judges: bool,
}

/// `TlsFingerprint`.
#[napi(object)]
pub struct TlsFingerprintSpec {
    /// `spki` or `cert`.
    pub of: String,
    /// SHA-256 in hexadecimal.
    pub hex: String,
}

/// `NamedTlsIdentity`; the key is read once and not kept as it is.
#[napi(object)]
pub struct TlsIdentitySpec {
    /// In lower case; none: for every name.
    pub names: Vec<String>,
    /// DER, the end entity's first.
    pub chain: Vec<Buffer>,
    /// PKCS #8 in DER.
    pub key: Buffer,
}

/// `TlsListenSettings`.
#[napi(object)]
pub struct TlsListenSpec {
    /// What clients have too.
    pub common: TlsSpec,
    /// At least one.
    pub identities: Vec<TlsIdentitySpec>,
    /// The owner is asked where no identity's names fit.
    pub asks_identity: bool,
    /// Ask clients for a certificate.
    pub request_cert: bool,
    /// Handshakes at once.
    pub max_pending_handshakes: u32,
    /// By which questions about clients say which settings they are under.
    pub revision: u32,
}

/// `TlsDialSettings`.
#[napi(object)]
pub struct TlsDialSpec {
    /// What servers have too.
    pub common: TlsSpec,
    /// Sent as SNI, unless it is empty.
    pub servername: String,
    /// Name or IP address that the server's certificate must be for.
    pub verify_name: String,
    /// Shown to servers that ask.
    pub identity: Option<TlsIdentitySpec>,
}

/// The TLS of one listener.
#[napi]
pub struct TlsServer {
    pub(super) guard: Option<Arc<Guard>>,
    fault: Option<Error>,
}

/// The TLS of a client's calls, with the sessions that they may resume.
#[napi]
pub struct TlsClient {
    pub(super) dialing: Option<Arc<Dialing>>,
    fault: Option<Error>,
}

/// An identity that a listener's owner names when asked.
#[napi]
pub struct TlsIdentity {
    pub(super) identity: Option<Identity>,
    fault: Option<Error>,
}

/// Keying material, or why there is none.
#[napi(object)]
pub struct Exported {
    /// The bytes.
    pub keys: Option<Uint8Array>,
    /// The failure.
    pub fault: Option<Fault>,
}

impl From<Result<Vec<u8>>> for Exported {
    fn from(exported: Result<Vec<u8>>) -> Self {
        match exported {
            Ok(keys) => Self {
                keys: Some(keys.into()),
                fault: None,
            },
            Err(error) => Self {
                keys: None,
                fault: Some(error.into()),
            },
        }
    }
}

#[napi]
impl TlsServer {
    /// Checks the settings; `fault` says what is wrong with them.
    #[napi(constructor, catch_unwind)]
    pub fn new(spec: TlsListenSpec) -> Self {
        let most = spec.max_pending_handshakes as usize;
        match spec.to_listening() {
            Ok(listening) => Self {
                guard: Some(Arc::new(Guard::new(listening, most))),
                fault: None,
            },
            Err(error) => Self {
                guard: None,
                fault: Some(error),
            },
        }
    }

    /// Why it cannot be used, once, if it cannot.
    #[napi(catch_unwind)]
    pub fn fault(&mut self) -> Option<Fault> {
        self.fault.take().map(Fault::from)
    }

    /// The revisions that questions can still come from.
    #[napi(catch_unwind)]
    pub fn revisions(&self) -> Vec<u32> {
        let guard = self.guard.as_ref();
        guard.map_or_else(Vec::new, |guard| guard.revisions())
    }

    /// Has new handshakes begin with other settings; a fault leaves those there were.
    #[napi(catch_unwind)]
    pub fn update(&self, spec: TlsListenSpec) -> Option<Fault> {
        let most = spec.max_pending_handshakes as usize;
        match (&self.guard, spec.to_listening()) {
            (Some(guard), Ok(listening)) => {
                guard.update(listening, most);
                None
            }
            (_, Err(error)) => Some(error.into()),
            (None, Ok(_)) => Some(Error::new(Code::Internal, "a listener without TLS").into()),
        }
    }
}

#[napi]
impl TlsClient {
    /// Checks the settings; `fault` says what is wrong with them.
    #[napi(constructor, catch_unwind)]
    pub fn new(spec: TlsDialSpec) -> Self {
        match spec.to_dialing() {
            Ok(dialing) => Self {
                dialing: Some(Arc::new(dialing)),
                fault: None,
            },
            Err(error) => Self {
                dialing: None,
                fault: Some(error),
            },
        }
    }

    /// Why it cannot be used, once, if it cannot.
    #[napi(catch_unwind)]
    pub fn fault(&mut self) -> Option<Fault> {
        self.fault.take().map(Fault::from)
    }
}

#[napi]
impl TlsIdentity {
    /// Checks the identity; `fault` says what is wrong with it.
    #[napi(constructor, catch_unwind)]
    pub fn new(spec: TlsIdentitySpec) -> Self {
        match spec.to_identity() {
            Ok(identity) => Self {
                identity: Some(identity),
                fault: None,
            },
            Err(error) => Self {
                identity: None,
                fault: Some(error),
            },
        }
    }

    /// Why it cannot be used, once, if it cannot.
    #[napi(catch_unwind)]
    pub fn fault(&mut self) -> Option<Fault> {
        self.fault.take().map(Fault::from)
    }
}

impl TlsListenSpec {
    fn to_listening(&self) -> Result<Listening> {
        let identities = self.identities.iter().map(TlsIdentitySpec::to_identity);
        Listening::new(ListenParts {
            settings: self.common.to_settings()?,
            identities: identities.collect::<Result<_>>()?,
            asks_identity: self.asks_identity,
            request_cert: self.request_cert,
            revision: self.revision,
        })
    }
}

impl TlsDialSpec {
    fn to_dialing(&self) -> Result<Dialing> {
        let identity = self.identity.as_ref().map(TlsIdentitySpec::to_identity);
        Dialing::new(DialParts {
            settings: self.common.to_settings()?,
            servername: self.servername.clone(),
            verify_name: self.verify_name.clone(),
            identity: identity.transpose()?,
        })
    }
}

impl TlsIdentitySpec {
    fn to_identity(&self) -> Result<Identity> {
        let chain = self.chain.iter().map(|der| der.to_vec());
        Identity::new(self.names.clone(), chain, &self.key)
    }
}

impl TlsSpec {
    fn to_settings(&self) -> Result<Settings> {
        Ok(Settings {
            min: version(&self.min_version)?,
            max: version(&self.max_version)?,
            alpn: self
                .alpn
                .iter()
                .map(|name| name.as_bytes().into())
                .collect(),
            ca: self
                .ca
                .as_ref()
                .map(|ca| ca.iter().map(|der| der.to_vec()).collect()),
            reject_unauthorized: self.reject_unauthorized,
            rules: Rules {
                pins: self.pins.as_deref().map(fingerprints).transpose()?,
                revoked: fingerprints(&self.revoked)?,
            },
            post_quantum: match self.post_quantum.as_str() {
                "off" => PostQuantum::Off,
                "prefer" => PostQuantum::Prefer,
                "require" => PostQuantum::Require,
                other => return Err(unknown("postQuantum", other)),
            },
            resumption: self.resumption,
            timeout: millis(self.handshake_timeout_ms),
            judges: self.judges,
        })
    }
}

fn fingerprints(specs: &[TlsFingerprintSpec]) -> Result<Vec<Fingerprint>> {
    let read =
        |TlsFingerprintSpec { of, hex }: &TlsFingerprintSpec| format!("sha256-{of}:{hex}").parse();
    specs.iter().map(read).collect()
}

fn version(name: &str) -> Result<Version> {
    match name {
        "TLSv1.2" => Ok(Version::Tls12),
        "TLSv1.3" => Ok(Version::Tls13),
        other => Err(unknown("version of TLS", other)),
    }
}

fn unknown(what: &str, value: &str) -> Error {
    Error::new(
        Code::OptionInvalid,
        format!("{what} {value:?} is not known to the native backend"),
    )
}
