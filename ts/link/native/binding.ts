/** The addon as this package sees it; `native/binding.d.cts` is generated from the Rust side. */

import type { DeflateSettings } from '../link.js';
import type { Heartbeat } from '../liveness.js';

/** The boundary that this package speaks; the addon's must be the same. */
export const SEAM_VERSION = 9;

/** A failure as it crosses the boundary. */
export interface Fault {
  readonly code: string;
  readonly context: string;
  readonly os?: number | null;
  /** The numbers that the context names. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Plain functions, called per batch. */
export interface HotFunctions {
  /** Hands over the beginning of the outgoing buffer: twice its length, and one more for one run, to be written at once. */
  submit(portion: number): void;
  /** Hands over one large message; bit 8 of `manner`, above the class, says that it is text, bit 9 that the link is idle. */
  submitLarge(slot: number, generation: number, manner: number, payload: Uint8Array): void;
  /** Hands over one large message for many links: the bytes of slot and generation of each. */
  submitFanOut(manner: number, payload: Uint8Array, targets: Uint8Array): void;
  /** Lends new memory for received bytes. */
  lend(id: number, bytes: number): void;
  /** Whether a batch waits for its rest to be dispatched: no other one is begun meanwhile. */
  pause(paused: boolean): void;
  /** The memory that was lent as `id`, asked for once; what was lent before is given up. */
  slab(id: number): ArrayBuffer;
  /** Copies from memory that is lent, or was last. */
  copyLent(id: number, offset: number, target: Uint8Array): void;
  /** The text of a parcel. */
  takeText(ticket: number): string | undefined;
  /** Copies the bytes of a parcel. */
  takeBytes(ticket: number, target: Uint8Array): void;
  /** Whether the I/O side keeps the process alive. */
  hold(alive: boolean): void;
}

/** One I/O thread, or inline I/O. */
export interface IoCore {
  fault(): Fault | null;
  functions(): HotFunctions;
  /** Answers a TLS client that asks for a name no identity is for. */
  show(slot: number, generation: number, identity: TlsIdentityWrapper): void;
  exportKeys(
    slot: number,
    generation: number,
    label: string,
    length: number,
    context?: Uint8Array,
  ): { keys?: Uint8Array | null; fault?: Fault | null };
  /** Takes over the connection of a descriptor, which stays its owner's to close, and answers the client. */
  adopt(descriptor: number, plan: PlanSpec, request: AdoptSpec, first: Uint8Array): Adopted;
  injectFailure(): void;
}

/** A request for a WebSocket that was let in: what its answer depends on. */
export interface AdoptSpec {
  key: string;
  extensions: string;
  subprotocol: string;
}

/** A connection that was taken over, or why it was not. */
export interface Adopted {
  slot: number;
  generation: number;
  isDeflated: boolean;
  fault?: Fault | null;
}

/** What all I/O threads of this environment hold together. */
export type IoMemory = object;

/** Limits of a link that the I/O side enforces. */
export interface PlanSpec {
  protocol: string;
  maxMessage: number;
  memoryBudget: number;
  closeTimeoutMs: number;
  inbound?: RatesSpec;
  outbound?: RatesSpec;
  heartbeat?: Heartbeat;
  /** Of a call: for all that follows the TCP connection, until it is open. */
  openingTimeoutMs?: number;
  ws?: WebSocketSpec;
  qwh?: QwhSpec;
}

/** QWH/1: our HELLO without a session, and bounds. */
export interface QwhSpec {
  initiates: boolean;
  hello: Uint8Array;
  handshakeTimeoutMs: number;
  maxFragments: number;
  controlBurst: number;
  controlPerSecond: number;
  isRequired: boolean;
  maxPendingHandshakes: number;
  maxPendingPerAddress?: number;
}

/** Bounds of what passes in one direction. */
export interface RatesSpec {
  bytesPerSecond?: number;
  burstBytes?: number;
  messagesPerSecond?: number;
  burstMessages?: number;
  isHard: boolean;
}

/** Bounds of a WebSocket, and how it begins. */
export interface WebSocketSpec {
  deflate?: DeflateSettings;
  handshakeTimeoutMs: number;
  maxHeaderBytes: number;
  maxHeaders: number;
  maxFragments: number;
  controlBurst: number;
  controlPerSecond: number;
  maxPendingHandshakes?: number;
  call?: CallSpec;
}

/** What a client asks for. */
export interface CallSpec {
  target: string;
  authority: string;
  headers: string[];
  subprotocols: string[];
}

/** What TLS servers and clients alike are told. */
export interface TlsFingerprintSpec {
  of: string;
  hex: string;
}

export interface TlsSpec {
  minVersion: string;
  maxVersion: string;
  alpn: string[];
  ca?: Buffer[];
  rejectUnauthorized: boolean;
  pins?: TlsFingerprintSpec[];
  revoked: TlsFingerprintSpec[];
  postQuantum: string;
  resumption: boolean;
  handshakeTimeoutMs: number;
  judges: boolean;
}

export interface TlsIdentitySpec {
  names: string[];
  chain: Buffer[];
  key: Buffer;
}

export interface TlsListenSpec {
  common: TlsSpec;
  identities: TlsIdentitySpec[];
  asksIdentity: boolean;
  requestCert: boolean;
  maxPendingHandshakes: number;
  revision: number;
}

export interface TlsDialSpec {
  common: TlsSpec;
  servername: string;
  verifyName: string;
  identity?: TlsIdentitySpec;
}

/** The TLS of a listener; like the two below it says once why it cannot be used. */
export interface TlsServerWrapper {
  fault(): Fault | null;
  update(spec: TlsListenSpec): Fault | null;
  revisions(): number[];
}

/** The TLS of calls. */
export interface TlsClientWrapper {
  fault(): Fault | null;
}

/** A certificate with its key. */
export interface TlsIdentityWrapper {
  fault(): Fault | null;
}

/** Socket options. */
export interface SocketSpec {
  noDelay: boolean;
  keepAliveMs: number;
  receiveBufferSize?: number;
  sendBufferSize?: number;
  notSentLowAt?: number;
  userTimeoutMs?: number;
  interfaceName?: string;
}

export interface ListenerSpec {
  host: string;
  port: number;
  backlog: number;
  reusePort: boolean;
  ipv6Only: boolean;
  plan: PlanSpec;
  socket: SocketSpec;
}

export interface DialerSpec {
  host: string;
  port: number;
  localAddress?: string;
  localPort?: number;
  connectTimeoutMs: number;
  plan: PlanSpec;
  socket: SocketSpec;
}

/** A listener of the addon. */
export interface ServerWrapper {
  listen(): { host: string; port: number; fault?: Fault | null };
  close(): void;
}

/** A dialler of the addon. */
export interface ClientWrapper {
  connect(): { slot: number; generation: number; fault?: Fault | null };
}

/** The addon's log, as long as it is wanted. */
export interface LogWatch {
  stop(): void;
}

interface Common {
  seamVersion(): number;
  version(): string;
  /** `kept`: one word, in which we say how many bytes of delivered messages are kept for paused links. */
  IoMemory: new (kept: ArrayBuffer) => IoMemory;
  IoCore: new (
    counters: ArrayBuffer,
    incoming: ArrayBuffer,
    outgoing: ArrayBuffer,
    /** Gives what is to be submitted, or 0. */
    dispatch: (count: number) => number,
    memory: IoMemory,
    inline: boolean,
  ) => IoCore;
  LogWatch: new (level: string, callback: (json: string) => void) => LogWatch;
}

/** What a native server needs of the addon. */
export interface NativeServerBinding extends Common {
  QWormholeServerWrapper: new (
    cores: IoCore[],
    listener: number,
    spec: ListenerSpec,
    tls?: TlsServerWrapper,
  ) => ServerWrapper;
  TlsServer: new (spec: TlsListenSpec) => TlsServerWrapper;
  TlsIdentity: new (spec: TlsIdentitySpec) => TlsIdentityWrapper;
}

/** What a native client needs of the addon. */
export interface NativeClientBinding extends Common {
  TcpClientWrapper: new (core: IoCore, spec: DialerSpec, tls?: TlsClientWrapper) => ClientWrapper;
  WebSocketClientWrapper: new (core: IoCore, spec: DialerSpec, tls?: TlsClientWrapper) => ClientWrapper;
  TlsClient: new (spec: TlsDialSpec) => TlsClientWrapper;
}

/** The whole addon. */
export type NativeBinding = NativeServerBinding & NativeClientBinding;

/** The names without which an addon is of no use, and what each must be. */
export const REQUIRED_SYMBOLS = [
  'seamVersion',
  'version',
  'IoMemory',
  'IoCore',
  'LogWatch',
  'QWormholeServerWrapper',
  'TcpClientWrapper',
  'WebSocketClientWrapper',
  'TlsServer',
  'TlsClient',
  'TlsIdentity',
] as const;
