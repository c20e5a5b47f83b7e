//! What went wrong with TLS, in the codes of the table.

use rustls::{CertificateError, Error as Tls, OtherError};

use super::{alert, fingerprint::RuledOut, trust::is_authority};
use crate::error::{Code, Error};

/// The error of this crate.
pub(crate) fn fault(error: &Tls) -> Error {
    match error {
        Tls::AlertReceived(description) => {
            let name = alert::name(*description);
            Error::new(Code::TlsAlert, format!("the peer sent the alert {name}"))
                .with_word("alert", name)
        }
        Tls::NoCertificatesPresented => {
            Error::new(Code::TlsCertRequired, "the peer sent no certificate")
        }
        Tls::NoApplicationProtocol => Error::new(
            Code::TlsAlpn,
            "the peer offers no application protocol that we have",
        ),
        Tls::InvalidCertificate(CertificateError::Other(OtherError(why)))
            if let Some(ruled_out) = why.downcast_ref::<RuledOut>() =>
        {
            ruled_out.error()
        }
        Tls::InvalidCertificate(why) => Error::new(code_of(why), sentence(why)),
        Tls::PeerIncompatible(_) => Error::new(Code::TlsIncompatible, error.to_string()),
        _ => Error::new(Code::TlsHandshake, error.to_string()),
    }
}

/// The peer went during the handshake.
pub(crate) fn gone() -> Error {
    Error::new(
        Code::TlsClosed,
        "the peer ended the connection during the TLS handshake",
    )
}

/// The error of a connection of which a server has seen nothing but the TLS handshake: as far as one can know
/// a client that resets it then does not take what it was shown. An end in order stays one.
pub(crate) fn or_left(error: Error) -> Error {
    let is_reset = error.code() == Code::ConnectionLost && error.os_code().is_some();
    match is_reset {
        true => Error::new(
            Code::TlsClosed,
            "the peer reset the connection when the TLS handshake was done",
        ),
        false => error,
    }
}

fn sentence(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "the peer's certificate does not lead to a trusted authority".to_owned()
        }
        CertificateError::BadSignature => {
            "the peer's certificate, or what it signed in the handshake, is wrongly signed"
                .to_owned()
        }
        why if is_authority(why) => {
            "the peer's certificate is an authority's; one that signed itself is taken where it is itself in ca"
                .to_owned()
        }
        CertificateError::BadEncoding => "the peer's certificate is malformed".to_owned(),
        // What is left says of the certificate what is wrong with it.
        why => format!("the peer's certificate: {why}"),
    }
}

fn code_of(why: &CertificateError) -> Code {
    use CertificateError as Why;
    match why {
        Why::UnknownIssuer => Code::TlsUntrusted,
        Why::Expired
        | Why::ExpiredContext { .. }
        | Why::NotValidYet
        | Why::NotValidYetContext { .. } => Code::TlsExpired,
        Why::NotValidForName | Why::NotValidForNameContext { .. } => Code::TlsName,
        _ => Code::TlsBadCert,
    }
}
