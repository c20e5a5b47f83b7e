/** What users give and get where TLS is concerned, besides the options of numbers and words. */
import type { X509Certificate } from 'node:crypto';
import type { QWormholeError } from '../errors/error.js';
import type { TlsVersion } from '../link/tls.js';
import type { ServerTlsOptions } from '../options/types.js';

/** PEM as text or bytes, DER as bytes, or a list of them. */
export type TlsMaterial = string | Uint8Array | readonly (string | Uint8Array)[];

/** A certificate with its key, given as they are or by the paths of their files. */
export interface TlsIdentityOptions {
  /** The certificate, followed by the intermediate ones. */
  readonly cert?: TlsMaterial;
  readonly certPath?: string;
  readonly key?: string | Uint8Array;
  readonly keyPath?: string;
  /** Of an encrypted key. */
  readonly passphrase?: string;
  /** Names that clients ask for; `*.example.com` stands for one label. Default: those in the certificate. */
  readonly names?: readonly string[];
}

/** What `updateTls` takes: what is absent stays as it is, `null` takes it back to what it is without. */
export type ServerTlsUpdate = {
  readonly [Name in keyof ServerTlsOptions]: ServerTlsOptions[Name] | null;
};

/** What is known of a TLS session on both of its ends. */
export interface TlsSession {
  readonly protocol: TlsVersion;
  /** Its name in the registry of IANA, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** Key exchange, such as `X25519MLKEM768`; `undefined` where the runtime does not say. */
  readonly group: string | undefined;
  /** The application protocol that was agreed on, empty for none. */
  readonly alpn: string;
  /** The name that the client asked for, empty for none. */
  readonly servername: string;
  /** The peer's certificate; `undefined` if it sent none. */
  readonly peerCertificate: X509Certificate | undefined;
  /** The peer's certificate leads to a trusted authority, is valid now and, on a client, for the right name. */
  readonly authorized: boolean;
  /** Why it is not, where `rejectUnauthorized` is off. */
  readonly authorizationError: QWormholeError | undefined;
  /** The session goes on from an earlier one, whose certificates count. */
  readonly isResumed: boolean;
}

/** A peer whose handshake is done, for the option `verify`. */
export interface TlsPeerSession extends TlsSession {
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Decides about a peer: `true` admits it; anything else, an exception and a rejection too, refuses it. */
export type VerifyPeer = (peer: TlsPeerSession) => boolean | Promise<boolean>;

/** Gives the certificate for a name that clients ask for; `undefined` is the server's first. */
export type SniCallback = (
  servername: string,
) => TlsIdentityOptions | undefined | Promise<TlsIdentityOptions | undefined>;
