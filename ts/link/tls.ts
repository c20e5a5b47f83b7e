/**
 * TLS at the seam. Whatever files, environment, encrypted keys, pins and callbacks users have is read,
 * decrypted, checked and decided above; the drivers shake hands, verify chains and names, and protect bytes.
 */
import type { QWormholeError } from '../errors/error.js';

/** The versions that are spoken, in the words of `node:tls`. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** A certificate with its key. Both are known to belong together. */
export interface TlsIdentity {
  /** DER, the end entity's first, without the root. */
  readonly chain: readonly Buffer[];
  /** PKCS #8 in DER, not encrypted. */
  readonly key: Buffer;
}

/** An identity of a server that has several. */
export interface NamedTlsIdentity extends TlsIdentity {
  /** Names it is for, in lower case; `*.example.com` stands for one label. None: for every name. */
  readonly names: readonly string[];
}

/** What both ends of a handshake are told. Decided in the handshake, never later. */
export interface TlsInfo {
  readonly protocol: TlsVersion;
  /** Its name in the registry of IANA, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** Key exchange: `X25519MLKEM768`, `x25519`, `secp256r1`, …; absent where the runtime does not say. */
  readonly group?: string;
  /** The application protocol that was agreed on (ALPN), empty for none. */
  readonly alpn: string;
  /** The name that the client asked for (SNI), empty for none. */
  readonly servername: string;
  /**
   * The peer's chain as it sent it, DER, the end entity's first; empty if it sent none. Of a resumed session that
   * of its first handshake; on servers of the TypeScript backend the end entity's alone, which tickets hold.
   */
  readonly peerChain: readonly Buffer[];
  /** The chain leads to a trusted root, is valid now, and on a client the name fits. */
  readonly authorized: boolean;
  /** Why it is not, where `rejectUnauthorized` is off. */
  readonly authorizationError?: QWormholeError;
  /** The session was resumed: the peer's certificate is that of the first handshake. */
  readonly isResumed: boolean;
}

/** What the owner is asked about a peer whose handshake is done. */
export interface TlsPeer {
  readonly info: TlsInfo;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/**
 * Judges a peer after the handshake, before anything else happens on the connection. Throws or rejects with a
 * `QWormholeError` to refuse: the connection is ended with the alert `access_denied` where the backend can
 * send one. Time for it is part of `handshakeTimeoutMs`; when that is over, or the peer gone, the verdict is void.
 */
export type TlsJudge = (peer: TlsPeer) => void | Promise<void>;

/** SHA-256 of a public key (SubjectPublicKeyInfo in DER), or of a certificate, in hexadecimal. */
export interface TlsFingerprint {
  readonly of: 'spki' | 'cert';
  readonly hex: string;
}

/** What servers and clients alike decide. */
export interface TlsSettings {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** Application protocols, best first; none: ALPN is not spoken. No common one ends the handshake. */
  readonly alpn: readonly string[];
  /** Trusted roots in DER; `undefined` is the system's. */
  readonly ca: readonly Buffer[] | undefined;
  /** End the handshake with a peer whose certificate does not verify. */
  readonly rejectUnauthorized: boolean;
  /**
   * Whom the judge refuses in any case: whose own certificate has none of these, and who sends one of those. A
   * backend that can refuse before the handshake is done may do it by itself.
   */
  readonly pins?: readonly TlsFingerprint[];
  readonly revoked?: readonly TlsFingerprint[];
  /** X25519MLKEM768: not offered, offered first where the runtime has it, or the only group. */
  readonly postQuantum: 'off' | 'prefer' | 'require';
  /** Sessions may be resumed, with tickets. */
  readonly resumption: boolean;
  /** For the TLS handshake, the verdict included, ms. */
  readonly handshakeTimeoutMs: number;
  readonly judge?: TlsJudge;
}

/** A listener's part; replaced as a whole by `LinkListener.updateTls`. */
export interface TlsListenSettings extends TlsSettings {
  /** The first that fits the name a client asks for is shown, else the first of all. */
  readonly identities: readonly NamedTlsIdentity[];
  /**
   * Asked, while the handshake waits, where no identity's names fit; `undefined` means the first identity. A
   * failure or a rejection ends the handshake with the alert `internal_error`.
   */
  readonly identityFor?: (servername: string) => TlsIdentity | undefined | Promise<TlsIdentity | undefined>;
  /** Ask clients for a certificate; with `rejectUnauthorized` those without are refused. */
  readonly requestCert: boolean;
  /** TLS handshakes that may be under way at once; beyond, the one that has been silent the longest is reset. */
  readonly maxPendingHandshakes: number;
}

/** A client's part. */
export interface TlsDialSettings extends TlsSettings {
  /** Sent as SNI, unless it is empty. */
  readonly servername: string;
  /** Name or IP address that the server's certificate must be for. */
  readonly verifyName: string;
  readonly identity?: TlsIdentity;
}
