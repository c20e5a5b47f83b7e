//! Fingerprints of certificates and keys, and the peers that they rule in or out.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    CertificateError, Error as Tls, OtherError,
    crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256, pki_types::CertificateDer,
    server::ParsedCertificate,
};

use super::settings::config;
use crate::error::{Code, Error, Result};

/// SHA-256 of a certificate, or of its public key, which survives a renewal.
///
/// Read from text it has the spellings of JavaScript: `sha256/<base64>` (RFC 7469) and `sha256-spki:<hex>` are
/// of a key, `sha256-cert:<hex>` is of a certificate; hexadecimal digits may have colons between the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprint {
    /// Of the public key (SubjectPublicKeyInfo in DER).
    Key([u8; 32]),
    /// Of the whole certificate in DER.
    Certificate([u8; 32]),
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = if let Some(base64) = text.strip_prefix("sha256/") {
            let bytes = BASE64_STANDARD.decode(base64).ok();
            bytes.and_then(|bytes| bytes.try_into().ok()).map(Self::Key)
        } else if let Some(hex) = text.strip_prefix("sha256-spki:") {
            from_hex(hex).map(Self::Key)
        } else if let Some(hex) = text.strip_prefix("sha256-cert:") {
            from_hex(hex).map(Self::Certificate)
        } else {
            None
        };
        read.ok_or_else(|| config(format!("{text:?} is not a fingerprint")))
    }
}

/// Whom a valid certificate is not enough for. A peer has to be taken by all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// The peer's own certificate must have one of them; `None`: any will do.
    pub pins: Option<Vec<Fingerprint>>,
    /// No certificate that the peer sends may have one of them.
    pub revoked: Vec<Fingerprint>,
}

impl Rules {
    /// # Errors
    /// Where the peer of this chain is ruled out; for an empty chain where there are pins.
    pub(super) fn check(&self, chain: &[CertificateDer<'_>]) -> std::result::Result<(), Tls> {
        if !self.revoked.is_empty() {
            let hit = chain.iter().map(Prints::of).find_map(|prints| {
                let is_hit = |print: &&Fingerprint| prints.have(print);
                self.revoked.iter().find(is_hit).copied()
            });
            if let Some(print) = hit {
                return Err(RuledOut::revoked(print).into());
            }
        }
        let Some(pins) = &self.pins else {
            return Ok(());
        };
        // Only its own certificate has been proved to be the peer's: anybody can send others along.
        let own = chain.first().map(Prints::of);
        match own {
            Some(own) if pins.iter().any(|pin| own.have(pin)) => Ok(()),
            own => Err(RuledOut::not_pinned(own).into()),
        }
    }
}

/// Both fingerprints of a certificate.
struct Prints {
    /// `None` where the certificate is malformed.
    key: Option<[u8; 32]>,
    certificate: [u8; 32],
}

impl Prints {
    fn of(der: &CertificateDer<'_>) -> Self {
        let key = ParsedCertificate::try_from(der)
            .map(|parsed| sha256(&parsed.subject_public_key_info()))
            .ok();
        Self {
            key,
            certificate: sha256(der),
        }
    }

    fn have(&self, print: &Fingerprint) -> bool {
        match print {
            Fingerprint::Key(digest) => self.key.as_ref() == Some(digest),
            Fingerprint::Certificate(digest) => self.certificate == *digest,
        }
    }
}

/// How a verifier says it to rustls, for [`fault`](super::fault) to find.
#[derive(Clone, Debug)]
pub(super) struct RuledOut {
    code: Code,
    why: &'static str,
    /// By the names that the details of the error have them by.
    prints: Vec<(&'static str, String)>,
}

impl RuledOut {
    fn revoked(print: Fingerprint) -> Self {
        Self {
            code: Code::TlsRevoked,
            why: "the peer has a certificate that is revoked",
            prints: vec![match print {
                Fingerprint::Key(digest) => (SPKI, hex(&digest)),
                Fingerprint::Certificate(digest) => (CERT, hex(&digest)),
            }],
        }
    }

    fn not_pinned(own: Option<Prints>) -> Self {
        let Some(Prints { key, certificate }) = own else {
            return Self {
                code: Code::TlsPin,
                why: "the peer sent no certificate",
                prints: Vec::new(),
            };
        };
        let key = key.map(|digest| (SPKI, hex(&digest)));
        Self {
            code: Code::TlsPin,
            why: "the peer has a certificate that is not pinned",
            prints: key.into_iter().chain([(CERT, hex(&certificate))]).collect(),
        }
    }

    pub(super) fn error(&self) -> Error {
        let error = Error::new(self.code, self.why);
        let prints = self.prints.iter().cloned();
        prints.fold(error, |error, (name, print)| error.with_word(name, print))
    }
}

impl From<RuledOut> for Tls {
    fn from(ruled_out: RuledOut) -> Self {
        CertificateError::Other(OtherError(std::sync::Arc::new(ruled_out))).into()
    }
}

impl fmt::Display for RuledOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)
    }
}

impl std::error::Error for RuledOut {}

/// Names in the details of errors, those of JavaScript.
const SPKI: &str = "spki";
const CERT: &str = "cert";

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    let suite = TLS13_AES_128_GCM_SHA256.tls13();
    // It is a suite of TLS 1.3, and its hash has 32 bytes.
    if let Some(hash) = suite.map(|suite| suite.common.hash_provider.hash(bytes)) {
        digest.copy_from_slice(hash.as_ref());
    }
    digest
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 64 digits, or 32 pairs of them with colons between.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = match text.contains(':') {
        true if text.split(':').all(|pair| pair.len() == 2) => text.replace(':', ""),
        true => return None,
        false => text.to_owned(),
    };
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<CertificateDer<'static>> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        vec![made.cert.der().clone()]
    }

    fn code_of(rules: &Rules, chain: &[CertificateDer<'_>]) -> Option<Code> {
        let checked = rules.check(chain).err();
        checked.map(|error| super::super::fault(&error).code())
    }

    #[test]
    fn all_spellings_are_read() {
        let (key, certificate) = (Fingerprint::Key([7; 32]), Fingerprint::Certificate([7; 32]));
        let (digits, pairs) = ("07".repeat(32), ["07"; 32].join(":"));
        let base64 = BASE64_STANDARD.encode([7; 32]);
        for (text, read) in [
            (format!("sha256/{base64}"), key),
            (format!("sha256-spki:{digits}"), key),
            (format!("sha256-cert:{pairs}"), certificate),
        ] {
            assert_eq!(text.parse::<Fingerprint>().expect("read"), read);
        }
        for text in ["", "sha256/07", "sha256-cert:07", "sha256-cert:é", "md5:07"] {
            let error = text.parse::<Fingerprint>().expect_err("refused");
            assert_eq!(error.code(), Code::TlsConfig);
        }
        let odd = format!("sha256-cert:{}:7", ["07"; 31].join(":"));
        assert!(odd.parse::<Fingerprint>().is_err());
    }

    #[test]
    fn pins_are_of_keys_or_certificates() {
        let (ours, others) = (chain(), chain());
        let own = Prints::of(&ours[0]);
        let key = Fingerprint::Key(own.key.expect("well-formed"));
        for pin in [key, Fingerprint::Certificate(own.certificate)] {
            let rules = Rules {
                pins: Some(vec![pin]),
                revoked: Vec::new(),
            };
            assert_eq!(code_of(&rules, &ours), None);
            assert_eq!(code_of(&rules, &others), Some(Code::TlsPin));
            assert_eq!(code_of(&rules, &[]), Some(Code::TlsPin));
            let behind = [others[0].clone(), ours[0].clone()];
            assert_eq!(code_of(&rules, &behind), Some(Code::TlsPin));
        }
    }

    #[test]
    fn one_revoked_certificate_spoils_the_chain() {
        let (ours, others) = (chain(), chain());
        let rules = Rules {
            pins: None,
            revoked: vec![Fingerprint::Certificate(Prints::of(&ours[0]).certificate)],
        };
        let behind = [others[0].clone(), ours[0].clone()];
        assert_eq!(code_of(&rules, &behind), Some(Code::TlsRevoked));
        assert_eq!(code_of(&rules, &others), None);
        let error = rules.check(&ours).expect_err("revoked");
        let error = super::super::fault(&error);
        let [(name, print)] = error.words() else {
            panic!("no fingerprint");
        };
        assert_eq!((*name, print.len()), ("cert", 64));
    }
}
