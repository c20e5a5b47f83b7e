//! Certificates with their keys, and which of them a client is shown.

use std::sync::Arc;

use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use zeroize::Zeroize;

use super::settings::config;
use crate::error::Result;

/// A certificate with its key, ready to sign.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// In lower case, `*.example.com` for one label; none: for every name.
    names: Vec<String>,
    pub(super) key: Arc<CertifiedKey>,
}

impl Identity {
    /// Of a chain in DER, the end entity's first, and a key in PKCS #8, which is not kept.
    ///
    /// # Errors
    /// `TlsConfig` for a key that cannot be used or that is not the certificate's.
    pub(crate) fn new(
        names: Vec<String>,
        chain: impl IntoIterator<Item = Vec<u8>>,
        key: &[u8],
    ) -> Result<Self> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        Self::of(names, chain, &key)
    }

    /// For every name; of PEM, or of DER, where the chain is one certificate and the key PKCS #8.
    ///
    /// # Errors
    /// As [`new`](Self::new), and for PEM without a certificate or a key.
    pub(crate) fn read(chain: &[u8], key: &[u8]) -> Result<Self> {
        let chain = certificates(chain)?.into_iter().map(CertificateDer::from);
        let mut key = match is_pem(key) {
            true => PrivateKeyDer::from_pem_slice(key)
                .map_err(|error| config(format!("the private key cannot be read: {error}")))?,
            false => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec())),
        };
        let identity = Self::of(Vec::new(), chain.collect(), &key);
        key.zeroize();
        identity
    }

    fn of(
        names: Vec<String>,
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Self> {
        if chain.is_empty() {
            return Err(config("an identity has no certificate"));
        }
        let key = any_supported_type(key)
            .map_err(|error| config(format!("the private key cannot be used: {error}")))?;
        let key = CertifiedKey::new(chain, key);
        key.keys_match().map_err(|error| {
            config(format!(
                "certificate and private key do not belong together: {error}"
            ))
        })?;
        Ok(Self {
            names,
            key: Arc::new(key),
        })
    }

    /// Whether it is for `name`, which is in lower case.
    fn fits(&self, name: &str) -> bool {
        let wildcard = || name.split_once('.').map(|(_, parent)| parent);
        self.names.is_empty()
            || self.names.iter().any(|own| match own.strip_prefix("*.") {
                Some(parent) => wildcard() == Some(parent),
                None => own == name,
            })
    }
}

/// Certificates in DER, of PEM or of one in DER.
///
/// # Errors
/// `TlsConfig` for PEM that has none or is broken.
pub(crate) fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    if !is_pem(bytes) {
        return Ok(vec![bytes.to_vec()]);
    }
    let read: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect();
    let read = read.map_err(|error| config(format!("a certificate cannot be read: {error}")))?;
    match read.is_empty() {
        true => Err(config("there is no certificate in what was given as one")),
        false => Ok(read),
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    // DER of what is read here is a sequence.
    bytes.first() != Some(&0x30)
}

/// The identities of a server, at least one.
#[derive(Clone, Debug)]
pub(super) struct Identities {
    all: Vec<Identity>,
}

impl Identities {
    pub(super) fn new(all: Vec<Identity>) -> Result<Self> {
        match all.is_empty() {
            true => Err(config("a server needs a certificate and its key")),
            false => Ok(Self { all }),
        }
    }

    /// The first that is for `name`.
    pub(super) fn fitting(&self, name: &str) -> Option<&Identity> {
        let name = name.to_ascii_lowercase();
        self.all.iter().find(|identity| identity.fits(&name))
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fitting = hello.server_name().and_then(|name| self.fitting(name));
        fitting
            .or_else(|| self.all.first())
            .map(|identity| Arc::clone(&identity.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(names: &[&str]) -> Identity {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let key = made.signing_key.serialize_der();
        Identity::new(names, [made.cert.der().to_vec()], &key).expect("usable")
    }

    #[test]
    fn names_fit_whole_and_a_wildcard_stands_for_one_label() {
        let identity = identity(&["one.example", "*.two.example"]);
        for (name, fits) in [
            ("one.example", true),
            ("a.two.example", true),
            ("two.example", false),
            ("a.b.two.example", false),
            ("xone.example", false),
            ("", false),
        ] {
            assert_eq!(identity.fits(name), fits, "{name}");
        }
    }

    #[test]
    fn keys_of_others_are_refused() {
        let one = rcgen::generate_simple_self_signed(["a".to_owned()]).expect("made");
        let other = rcgen::generate_simple_self_signed(["a".to_owned()]).expect("made");
        let key = other.signing_key.serialize_der();
        let refused = Identity::new(Vec::new(), [one.cert.der().to_vec()], &key);
        let error = refused.expect_err("refused");
        assert_eq!(error.code(), crate::Code::TlsConfig);
        assert!(Identity::new(Vec::new(), [vec![1, 2, 3]], &key).is_err());
        assert!(Identity::new(Vec::new(), [one.cert.der().to_vec()], &[1, 2]).is_err());
    }
}
