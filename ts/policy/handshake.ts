/**
 * What this end says of itself in a handshake of QWH/1, and whether it wants the peer. Both backends ask here;
 * they keep the time of it all, and an answer that comes too late does nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import { CloseCode } from '../close-codes.js';
import { describe } from '../describe.js';
import { GOING_AWAY } from './draining.js';
import { QWormholeError } from '../errors/error.js';
import type { Backend, Carrier } from '../link/link.js';
import type {
  HandshakeInfo,
  QwhArrival,
  QwhListenSettings,
  QwhRefusal,
  QwhSettings,
  QwhVerdict,
} from '../link/qwh.js';
import type { TlsInfo } from '../link/tls.js';
import type { Histogram } from '../telemetry/histogram.js';
import type { TrafficSample } from '../telemetry/traffic-sample.js';
import type { ServerSettings, SharedSettings } from '../options/settings.js';
import {
  FIRST_EXTENSION,
  Fault,
  VERSION,
  decodeMeta,
  encodeMeta,
  mustBeKnown,
  type Hello,
  type Meta,
} from '../qwh/index.js';
import { toTrace, toTraceparent } from './traceparent.js';

/** What an end says of itself: at most 4 KiB as JSON. A peer can believe it or not. */
export type HandshakeMeta = Pick<Meta, 'tags' | 'intent' | 'shard' | 'app'>;

/** A peer that waits to be accepted. */
export interface HandshakePeer extends HandshakeInfo {
  readonly carrier: Carrier;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** With TLS. */
  readonly tls?: TlsInfo;
  /** Aborted if the peer leaves, or the time of the handshake is over, before the verdict. */
  readonly signal: AbortSignal;
}

/** The peer is not wanted, and told why. */
export interface HandshakeRefusal {
  /** From the table of close codes, 1 to 65535. Default: 4, `rejected_by_policy`. */
  readonly code?: number;
  /** For people, cut at 256 bytes. */
  readonly reason?: string;
  /** When it should come back, ms. */
  readonly retryAfterMs?: number;
}

/** What `verifyHandshake` answers: nothing or `true` means welcome, `false` is a refusal without further words. */
export type HandshakeVerdict = HandshakeRefusal | boolean | void | undefined;

/** Decides about a peer. */
export type VerifyHandshake = (peer: HandshakePeer) => HandshakeVerdict | PromiseLike<HandshakeVerdict>;

const CORRECT_VERIFIER =
  'Correct that function: the cause is what it threw, or what is wrong with its answer.';

/** Bytes of the random sample that `nv` describes where no traffic is sampled. */
const NV_SAMPLE = 256;
const NV_HASH_BYTES = 8;
const MAX_CODE = 65_535;
const MAX_RETRY_MS = 2 ** 32 - 1;
/** What streams would have: means nothing without the capability `flow`. */
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 1024 * 1024;
const MAX_STREAMS = 256;

/** The owner of a listener. */
export interface QwhHost {
  /** Why nobody from an address can be let in at the moment; counts and reports it. */
  refusalOf(remoteAddress: string): QwhRefusal | undefined;
  /** Of the traffic so far, where that is profiled. */
  readonly sample: TrafficSample | undefined;
  /** When those may come back whose handshake ends because the listener closes, each for itself, ms; 0 is no advice. */
  momentToReturn(): number;
  /** Hears of verdicts that could not be reached. */
  readonly report: (error: QWormholeError) => void;
}

/** When a peer said who it is, ms, of those that were accepted. */
const met = new WeakMap<HandshakeInfo, number>();

/** Both ends are ready: counts the time since the peer said who it is. */
export function recordHandshake(times: Histogram, info: HandshakeInfo | undefined): void {
  const since = info && met.get(info);
  if (since !== undefined) times.record(performance.now() - since);
}

/** Who speaks. */
export interface Speaker {
  readonly settings: SharedSettings;
  readonly backend: Backend;
  /** Of the traffic so far, where that is profiled. */
  readonly sample: TrafficSample | undefined;
}

/** What QWH/1 begins with over a backend. */
export function toQwh(speaker: Speaker, handshakeTimeoutMs: number, host?: QwhHost): QwhSettings {
  const { maxFragments, controlBurst, controlPerSecond, verifyHandshake } = speaker.settings;
  return {
    hello: helloOf(speaker),
    handshakeTimeoutMs,
    maxFragments,
    controlBurst,
    controlPerSecond,
    judge: (arrival) => admit(arrival, verifyHandshake, host),
  };
}

/** The same for a listener; nothing where it is not to be spoken. */
export function toListenQwh(
  settings: ServerSettings,
  backend: Backend,
  host: QwhHost,
): QwhListenSettings | undefined {
  const { handshake, handshakeTimeoutMs, maxPendingHandshakes, maxConnectionsPerAddress } = settings;
  if (handshake === 'off') return undefined;
  const shared = toQwh({ settings, backend, sample: host.sample }, handshakeTimeoutMs, host);
  return {
    ...shared,
    isRequired: handshake === 'required',
    maxPendingHandshakes,
    // Nobody needs more handshakes at once than it may have connections.
    maxPendingPerAddress: maxConnectionsPerAddress,
    refusalAtEnd: () => ({
      code: CloseCode.shutdown,
      reason: GOING_AWAY,
      retryAfterMs: host.momentToReturn(),
    }),
  };
}

function helloOf({ settings, backend, sample }: Speaker): Hello {
  const { codec, maxMessage, meta, trace, extensions, heartbeat } = settings;
  const transport = { native: backend === 'rust', backend };
  return {
    versions: { min: VERSION, max: VERSION },
    offered: settings.offeredCaps,
    required: settings.requiredCaps,
    limits: {
      maxMessage,
      streamWindow: STREAM_WINDOW,
      connectionWindow: CONNECTION_WINDOW,
      maxStreams: MAX_STREAMS,
      // For whoever does not read: so often it has to show that it lives.
      idleMs: heartbeat?.timeoutMs ?? 0,
    },
    codec: codec.name,
    meta: encodeMeta({ transport, nv: nvOf(sample?.bytes() ?? randomBytes(NV_SAMPLE)), ...meta }),
    ...(trace !== undefined && { trace: toTrace(trace) }),
    extensions: extensions.map(({ name, value, required }, index) => ({
      // Each has a type of its own, and an even one must be known.
      type: FIRST_EXTENSION + 2 * index + Number(required === true),
      name,
      value,
    })),
  };
}

/** Hash and entropy (bits per byte) of a sample. */
function nvOf(sample: Uint8Array): NonNullable<Meta['nv']> {
  const samples = sample.length;
  const counts = new Map<number, number>();
  for (const byte of sample) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / samples) * Math.log2(count / samples);
  const hash = createHash('sha256')
    .update(sample)
    .digest('hex')
    .slice(0, 2 * NV_HASH_BYTES);
  // As many digits as mean something; and -0 is none.
  return { hash, entropy: Math.abs(Number(entropy.toFixed(6))), samples };
}

/** For whom there is no room nobody is asked, and there may be none any more when the answer comes. */
function admit(
  arrival: QwhArrival,
  verify: VerifyHandshake | undefined,
  host: QwhHost | undefined,
): QwhVerdict | Promise<QwhVerdict> {
  const full = host?.refusalOf(arrival.remoteAddress);
  if (full !== undefined) return full;
  const verdict = judge(arrival, verify, host?.report);
  if (!(verdict instanceof Promise)) return verdict;
  return verdict.then((later) => {
    const isWanted = 'info' in later && !arrival.signal.aborted;
    return (isWanted && host?.refusalOf(arrival.remoteAddress)) || later;
  });
}

function judge(
  arrival: QwhArrival,
  verify: VerifyHandshake | undefined,
  report: ((error: QWormholeError) => void) | undefined,
): QwhVerdict | Promise<QwhVerdict> {
  let info: HandshakeInfo;
  try {
    info = infoOf(arrival);
  } catch (error) {
    const reason = error instanceof Fault ? error.message : 'meta is not what it should be';
    return { code: CloseCode.protocol, reason, retryAfterMs: 0 };
  }
  if (verify === undefined) return { info };
  const { carrier, remoteAddress, remotePort, tls, signal } = arrival;
  const failed = (cause: unknown): QwhVerdict => undecided(cause, signal, report);
  try {
    const answer = verify({ ...info, carrier, remoteAddress, remotePort, ...(tls && { tls }), signal });
    // The application's code too: what it answers may have a getter.
    const isLater = typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function';
    if (!isLater) return verdictOf(answer, info);
    return Promise.resolve(answer)
      .then((later) => verdictOf(later, info))
      .catch(failed);
  } catch (error) {
    return failed(error);
  }
}

function infoOf({ peer, sid }: QwhArrival): HandshakeInfo {
  const { hello, agreement, security, offered, channelId } = peer;
  const meta = hello.meta === undefined ? {} : decodeMeta(hello.meta);
  const trace = hello.trace && toTraceparent(hello.trace);
  const info: HandshakeInfo = Object.freeze({
    ...meta,
    version: agreement.version,
    versions: hello.versions,
    ...(trace !== undefined && { trace }),
    extensions: hello.extensions.map((extension) => {
      const { name, value } = extension;
      return { name, value, required: mustBeKnown(extension) };
    }),
    sid: Buffer.from(sid).toString('hex'),
    caps: agreement.caps,
    codec: agreement.codec,
    maxMessage: hello.limits.maxMessage,
    security,
    offeredSecurity: offered,
    ...(channelId && { channelId }),
  });
  met.set(info, performance.now());
  return info;
}

/** @throws QWormholeError for what is no verdict. */
function verdictOf(answer: unknown, info: HandshakeInfo): QwhVerdict {
  if (answer === undefined || answer === true) return { info };
  const refusal = answer === false ? {} : answer;
  if (typeof refusal !== 'object' || refusal === null) throw invalid(answer, 'is no verdict');
  const { code = CloseCode.rejected_by_policy, reason = '', retryAfterMs = 0 } = refusal as HandshakeRefusal;
  if (!isIntegerIn(code, 1, MAX_CODE)) throw invalid(code, `is not a code from 1 to ${MAX_CODE}`);
  if (typeof reason !== 'string') throw invalid(reason, 'is not a reason: that is a string');
  if (!isIntegerIn(retryAfterMs, 0, MAX_RETRY_MS)) throw invalid(retryAfterMs, 'is no time in ms');
  return { code, reason, retryAfterMs };
}

function isIntegerIn(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** The application's own code failed: that is told here, and not to the peer. */
function undecided(
  cause: unknown,
  signal: AbortSignal,
  report: ((error: QWormholeError) => void) | undefined,
): QwhVerdict {
  const message = 'A peer was refused because the function given as option verifyHandshake failed';
  const details = { option: 'verifyHandshake' };
  const context = { cause, closeCode: CloseCode.internal, details, remedy: CORRECT_VERIFIER };
  const error = new QWormholeError('ERR_QW_HANDSHAKE', message, context);
  // One that did as the signal told it has not failed.
  if (!signal.aborted) report?.(error);
  return { code: CloseCode.internal, reason: 'the handshake could not be decided', retryAfterMs: 0, error };
}

function invalid(value: unknown, why: string): QWormholeError {
  const message = `verifyHandshake answered ${describe(value)}, which ${why}`;
  return new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'verifyHandshake' } });
}
