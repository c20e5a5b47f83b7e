/** What OpenSSL and `node:tls` find wrong, as errors of ours. */
import { fromSystem, QWormholeError, type ErrorCode, type SystemContext } from '../../errors/error.js';

/** Of certificates, by the codes of OpenSSL's verification (X509_V_ERR_…). What is not here is malformed or misused. */
const VERIFICATION: Readonly<Record<string, ErrorCode>> = {
  UNABLE_TO_GET_ISSUER_CERT: 'ERR_QW_TLS_UNTRUSTED',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'ERR_QW_TLS_UNTRUSTED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'ERR_QW_TLS_UNTRUSTED',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'ERR_QW_TLS_UNTRUSTED',
  SELF_SIGNED_CERT_IN_CHAIN: 'ERR_QW_TLS_UNTRUSTED',
  CERT_UNTRUSTED: 'ERR_QW_TLS_UNTRUSTED',
  CERT_HAS_EXPIRED: 'ERR_QW_TLS_EXPIRED',
  CERT_NOT_YET_VALID: 'ERR_QW_TLS_EXPIRED',
  HOSTNAME_MISMATCH: 'ERR_QW_TLS_NAME',
  ERR_TLS_CERT_ALTNAME_INVALID: 'ERR_QW_TLS_NAME',
};
const VERIFICATION_CODE =
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CERTIFICATE_|CRL_|HOSTNAME_|INVALID_|PATH_LENGTH_|ERROR_IN_CERT_|ERR_TLS_CERT_)/;

/** Of handshakes, by the reasons of OpenSSL (SSL_R_…), as Node writes them. */
const REASONS: Readonly<Record<string, ErrorCode>> = {
  PEER_DID_NOT_RETURN_A_CERTIFICATE: 'ERR_QW_TLS_CERT_REQUIRED',
  NO_APPLICATION_PROTOCOL: 'ERR_QW_TLS_ALPN',
  UNSUPPORTED_PROTOCOL: 'ERR_QW_TLS_INCOMPATIBLE',
  NO_PROTOCOLS_AVAILABLE: 'ERR_QW_TLS_INCOMPATIBLE',
  VERSION_TOO_LOW: 'ERR_QW_TLS_INCOMPATIBLE',
  WRONG_SSL_VERSION: 'ERR_QW_TLS_INCOMPATIBLE',
  NO_SHARED_CIPHER: 'ERR_QW_TLS_INCOMPATIBLE',
  NO_SHARED_GROUP: 'ERR_QW_TLS_INCOMPATIBLE',
  NO_SUITABLE_KEY_SHARE: 'ERR_QW_TLS_INCOMPATIBLE',
  NO_SUITABLE_GROUPS: 'ERR_QW_TLS_INCOMPATIBLE',
  NO_SUITABLE_SIGNATURE_ALGORITHM: 'ERR_QW_TLS_INCOMPATIBLE',
  NO_SHARED_SIGNATURE_ALGORITHMS: 'ERR_QW_TLS_INCOMPATIBLE',
  WRONG_VERSION_NUMBER: 'ERR_QW_TLS_NOT_TLS',
  HTTP_REQUEST: 'ERR_QW_TLS_NOT_TLS',
  HTTPS_PROXY_REQUEST: 'ERR_QW_TLS_NOT_TLS',
  UNKNOWN_PROTOCOL: 'ERR_QW_TLS_NOT_TLS',
};

/** Alerts as OpenSSL names them; the rest is the RFC's name in capitals. */
const ALERT = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?([A-Z_]+)$/;
const RECORD = /^ERR_SSL_([A-Z0-9_]+)$/;
/** The connection went away: as good as a word, and the only one that some give. */
const GONE = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** What is wrong with a peer's certificate. */
export function certificateFault(code: string, cause?: unknown): QWormholeError {
  const message = `The peer's certificate is not accepted: ${code.toLowerCase().replaceAll('_', ' ')}`;
  return new QWormholeError(VERIFICATION[code] ?? 'ERR_QW_TLS_BAD_CERT', message, {
    ...(cause !== undefined && { cause }),
    details: { reason: code },
  });
}

/** A client that was asked for a certificate shows none. */
export function certificateRequired(): QWormholeError {
  return new QWormholeError('ERR_QW_TLS_CERT_REQUIRED', 'The client sent no certificate');
}

/** The server's certificate is for others. */
export function nameFault(name: string, names = 'no name'): QWormholeError {
  const message = `The server's certificate is not for ${name}, but for ${names}`;
  return new QWormholeError('ERR_QW_TLS_NAME', message, { details: { name, names } });
}

/** A fault of a handshake. */
export function faultOfTlsHandshake(error: unknown, context: SystemContext): QWormholeError {
  if (error instanceof QWormholeError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (GONE.has(code)) return tlsClosed(context.what, error);
  return faultOfTls(error, context);
}

/**
 * A fault of a client that has sent nothing since its handshake. One that does not take our certificate leaves so:
 * in TLS 1.2, and where it takes its time in TLS 1.3, our handshake is done by then.
 */
export function faultOfSilentClient(error: unknown, context: SystemContext): QWormholeError {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  if (!GONE.has(code)) return faultOfTls(error, context);
  const { what } = context;
  const message = `${what} ended the connection right after the TLS handshake`;
  return new QWormholeError('ERR_QW_TLS_CLOSED', message, { cause: error, details: { what } });
}

/** A fault of a session: an alert, a record that does not open, or the system's. */
export function faultOfTls(error: unknown, context: SystemContext): QWormholeError {
  if (error instanceof QWormholeError) return error;
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  if (VERIFICATION_CODE.test(code)) return certificateFault(code, error);
  const [, alert] = ALERT.exec(code) ?? [];
  if (alert !== undefined) return alerted(alert.toLowerCase(), context.what, error);
  const [, reason] = RECORD.exec(code) ?? [];
  if (reason === undefined) return fromSystem(error, context);
  const words = reason.toLowerCase().replaceAll('_', ' ');
  const message = `TLS with ${context.what} failed: ${words}`;
  const details = { reason, what: context.what };
  return new QWormholeError(REASONS[reason] ?? 'ERR_QW_TLS_HANDSHAKE', message, { cause: error, details });
}

/** The peer went during the handshake. */
export function tlsClosed(what: string, cause?: unknown): QWormholeError {
  const message = `${what} ended the connection during the TLS handshake`;
  const details = { what };
  return new QWormholeError(
    'ERR_QW_TLS_CLOSED',
    message,
    cause === undefined ? { details } : { cause, details },
  );
}

/** The handshake took too long. */
export function tlsTimeout(what: string, timeoutMs: number): QWormholeError {
  const message = `The TLS handshake with ${what} was not finished within ${timeoutMs} ms`;
  return new QWormholeError('ERR_QW_TLS_TIMEOUT', message, { details: { what, timeoutMs } });
}

/** There are too many handshakes under way, and this one has been silent the longest. */
export function crowdedOut(what: string, most: number): QWormholeError {
  const message = `The TLS handshake with ${what} gave its place to another: tls.maxPendingHandshakes is ${most}`;
  return new QWormholeError('ERR_QW_RESOURCES', message, {
    details: { what, maxPendingHandshakes: most },
  });
}

function alerted(alert: string, what: string, cause: unknown): QWormholeError {
  const message = `${what} ended TLS with the alert ${alert}`;
  return new QWormholeError('ERR_QW_TLS_ALERT', message, { cause, details: { alert, what } });
}
