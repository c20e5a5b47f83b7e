//! Alerts: their names, and those that rustls does not send by itself.

use rustls::{
    AlertDescription, Connection, ConnectionTrafficSecrets, ContentType, ProtocolVersion,
    SupportedCipherSuite,
    crypto::cipher::{AeadKey, Iv, MessageEncrypter, OutboundChunks, OutboundPlainMessage},
};

use super::Session;

/// What is said to a peer that the owner refuses.
pub(crate) const ACCESS_DENIED: AlertDescription = AlertDescription::AccessDenied;
/// What is said where the owner has no identity for a client.
pub(crate) const INTERNAL_ERROR: AlertDescription = AlertDescription::InternalError;

const FATAL: u8 = 2;

/// The alert's name as the RFCs have it.
pub(super) fn name(alert: AlertDescription) -> &'static str {
    use AlertDescription as Alert;
    match alert {
        Alert::CloseNotify => "close_notify",
        Alert::UnexpectedMessage => "unexpected_message",
        Alert::BadRecordMac => "bad_record_mac",
        Alert::DecryptionFailed => "decryption_failed",
        Alert::RecordOverflow => "record_overflow",
        Alert::DecompressionFailure => "decompression_failure",
        Alert::HandshakeFailure => "handshake_failure",
        Alert::NoCertificate => "no_certificate",
        Alert::BadCertificate => "bad_certificate",
        Alert::UnsupportedCertificate => "unsupported_certificate",
        Alert::CertificateRevoked => "certificate_revoked",
        Alert::CertificateExpired => "certificate_expired",
        Alert::CertificateUnknown => "certificate_unknown",
        Alert::IllegalParameter => "illegal_parameter",
        Alert::UnknownCA => "unknown_ca",
        Alert::AccessDenied => "access_denied",
        Alert::DecodeError => "decode_error",
        Alert::DecryptError => "decrypt_error",
        Alert::ExportRestriction => "export_restriction",
        Alert::ProtocolVersion => "protocol_version",
        Alert::InsufficientSecurity => "insufficient_security",
        Alert::InternalError => "internal_error",
        Alert::InappropriateFallback => "inappropriate_fallback",
        Alert::UserCanceled => "user_canceled",
        Alert::NoRenegotiation => "no_renegotiation",
        Alert::MissingExtension => "missing_extension",
        Alert::UnsupportedExtension => "unsupported_extension",
        Alert::CertificateUnobtainable => "certificate_unobtainable",
        Alert::UnrecognisedName => "unrecognized_name",
        Alert::BadCertificateStatusResponse => "bad_certificate_status_response",
        Alert::BadCertificateHashValue => "bad_certificate_hash_value",
        Alert::UnknownPSKIdentity => "unknown_psk_identity",
        Alert::CertificateRequired => "certificate_required",
        Alert::NoApplicationProtocol => "no_application_protocol",
        Alert::EncryptedClientHelloRequired => "ech_required",
        _ => "unknown",
    }
}

/// The record of a fatal alert before there are keys.
pub(super) fn in_clear(alert: AlertDescription) -> Vec<u8> {
    vec![ContentType::Alert.into(), 3, 3, 0, 2, FATAL, alert.into()]
}

/// The record that ends a session whose handshake is done, instead of all that it still had to send.
///
/// rustls sends alerts only for what it finds itself, and an application can only have it send close_notify.
/// A peer whose owner's verdict comes behind the handshake would be left with an end that says nothing, or with
/// a reset. So the one record is made here, of what rustls gives out for just such purposes: the keys and the
/// record number (`dangerous_extract_secrets`, which is there to go on in the kernel) and the suite's own
/// encryption. A number is never used twice with a key: extracting consumes the session, what it had not sent
/// is thrown away, and nothing follows the alert. That OpenSSL understands it is tested for both versions and
/// roles (`test/native/tls-alerts.test.ts`).
pub(crate) fn final_alert(session: Session, alert: AlertDescription) -> Option<Vec<u8>> {
    let mut connection = session.into_connection();
    let is_server = matches!(connection, Connection::Server(_));
    let version = connection.protocol_version()?;
    let suite = connection.negotiated_cipher_suite()?;
    let is_unsaid = connection.wants_write();
    while connection.wants_write() {
        connection.write_tls(&mut std::io::sink()).ok()?;
    }
    if is_unsaid && version == ProtocolVersion::TLSv1_2 {
        // Our change of keys is among what is not sent.
        return Some(in_clear(alert));
    }
    let (sequence, secrets) = connection.dangerous_extract_secrets().ok()?.tx;
    // A server's tickets are the first records under these keys: unsent, they take no number.
    let sequence = match is_unsaid && is_server {
        true => 0,
        false => sequence,
    };
    let message = OutboundPlainMessage {
        typ: ContentType::Alert,
        version: ProtocolVersion::TLSv1_2,
        payload: OutboundChunks::Single(&[FATAL, alert.into()]),
    };
    let record = encrypter(suite, secrets)?.encrypt(message, sequence).ok()?;
    Some(record.encode())
}

fn encrypter(
    suite: SupportedCipherSuite,
    secrets: ConnectionTrafficSecrets,
) -> Option<Box<dyn MessageEncrypter>> {
    let (key, iv): (AeadKey, Iv) = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => return None,
    };
    match suite {
        SupportedCipherSuite::Tls13(suite) => Some(suite.aead_alg.encrypter(key, iv)),
        SupportedCipherSuite::Tls12(suite) => {
            let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
            let (fixed, explicit) = iv.as_ref().split_at_checked(fixed)?;
            Some(suite.aead_alg.encrypter(key, fixed, explicit))
        }
    }
}
