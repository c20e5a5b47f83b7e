//! A certificate authority for tests.
#![allow(dead_code, reason = "each test file uses a part of it")]

use qwormhole::TlsIdentity;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};

pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate that an authority signed, with its key.
pub struct Leaf {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Authorities are told apart by their names, as everywhere.
        let name = format!("authority {:x?}", &key.public_key_raw()[1..9]);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, key).expect("signed");
        Self { issuer }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn leaf(&self, name: &str) -> Leaf {
        self.sign(name, |_| {})
    }

    pub fn expired(&self, name: &str) -> Leaf {
        self.sign(name, |params| params.not_after = date_time_ymd(2020, 1, 1))
    }

    pub fn early(&self, name: &str) -> Leaf {
        self.sign(name, |params| params.not_before = date_time_ymd(2100, 1, 1))
    }

    pub fn for_clients(&self, name: &str) -> Leaf {
        self.sign(name, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([name.to_owned()]).expect("legal");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        Leaf { certificate, key }
    }
}

impl Leaf {
    pub fn identity(&self) -> TlsIdentity {
        TlsIdentity::new(self.pem(), self.key_pem())
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    pub fn der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> [u8; 32] {
        let digest = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256
            .tls13()
            .expect("a suite of TLS 1.3")
            .common
            .hash_provider
            .hash(self.certificate.der());
        digest.as_ref().try_into().expect("32 bytes")
    }
}
