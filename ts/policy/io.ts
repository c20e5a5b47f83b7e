/**
 * Where the native backend serves sockets: on I/O threads, or inline, on the JavaScript thread. Decided once, when a
 * server or client is made, and never changed under a live connection.
 */
import { availableParallelism } from 'node:os';
import { describe } from '../describe.js';
import { QWormholeError } from '../errors/error.js';

/** The environment's variable that says it for servers and clients whose options do not. */
export const IO_VARIABLE = 'QWORMHOLE_IO';

export type Io = 'inline' | 'threads';
export type IoWish = 'auto' | Io;

/** What has a say: options, and what is known of the connections. */
export interface IoPreference {
  readonly io?: IoWish | undefined;
  readonly ioThreads?: number;
  readonly deflate?: object | false;
  readonly endpoints?: readonly { readonly scheme: string }[];
}

/** A decision and, for people, what led to it. */
export interface IoDecision {
  readonly io: Io;
  readonly reason: string;
  /** Nothing else will do. */
  readonly forced: boolean;
}

/** Where the library runs, as far as it matters here. */
export interface IoHost {
  readonly platform: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly versions: Readonly<Record<string, string | undefined>>;
  /** Processors that this process may use. */
  readonly cores: number;
}

const WISHES: readonly string[] = ['auto', 'inline', 'threads'] satisfies IoWish[];

export function ioHost(): IoHost {
  const { platform, env: environment, versions } = process;
  return { platform, environment, versions, cores: availableParallelism() };
}

/** Decides; throws `ERR_QW_OPTION_INVALID` when the variable has a value without meaning. */
export function decideIo(preference: IoPreference, host = ioHost()): IoDecision {
  const { io: wish, source } = wishOf(preference, host);
  if (wish !== 'auto') return { io: wish, reason: source, forced: true };
  return { ...chosen(preference, host), forced: false };
}

/** Throws `ERR_QW_OPTION_UNSUPPORTED` where inline I/O is demanded of a runtime that does not have it. */
export function assertInline({ io, reason, forced }: IoDecision, host = ioHost()): void {
  const lack = inlineLack(host);
  if (io === 'inline' && forced && lack !== undefined) throw inlineUnsupported(`${reason}: ${lack}`);
}

function inlineUnsupported(why: string): QWormholeError {
  return new QWormholeError('ERR_QW_OPTION_UNSUPPORTED', why, { details: { option: 'io' } });
}

/** The option, else the variable. */
function wishOf(
  { io, ioThreads = 1 }: IoPreference,
  { environment }: IoHost,
): { io: IoWish; source: string } {
  const value = environment[IO_VARIABLE] ?? '';
  // Also where the option is set: a mistake in the environment is better found where it does no harm.
  if (value !== '' && !WISHES.includes(value)) throw invalidVariable(value);
  if (io !== undefined) return { io, source: `io: '${io}'` };
  if (ioThreads > 1) return { io: 'threads', source: `ioThreads: ${ioThreads}` };
  if (value === '') return { io: 'auto', source: 'the default' };
  return { io: value as IoWish, source: `${IO_VARIABLE}=${value}` };
}

/** The rule of `auto`; docs/performance.md has the figures behind each line. */
function chosen(preference: IoPreference, host: IoHost): { io: Io; reason: string } {
  const { deflate = false, endpoints = [] } = preference;
  const lack = inlineLack(host);
  if (lack !== undefined) return { io: 'threads', reason: lack };
  // A second core takes system calls, parsing and framing off the JavaScript thread.
  if (host.cores > 1) return { io: 'threads', reason: `there are ${host.cores} cores` };
  // A handshake takes up to milliseconds, compression as much a message: messages of others are not to wait for them.
  if (endpoints.some(({ scheme }) => scheme === 'tls' || scheme === 'wss'))
    return { io: 'threads', reason: 'TLS handshakes take long' };
  if (deflate !== false) return { io: 'threads', reason: 'compression takes long' };
  // Nothing is gained by another thread that waits for the same core, and every message would wait for a switch.
  return { io: 'inline', reason: 'there is one core' };
}

/** Why inline I/O cannot be had here at all. */
export function inlineLack({ platform, versions } = ioHost()): string | undefined {
  const { bun, deno, electron } = versions;
  if (bun !== undefined) return 'Bun has no event loop of libuv';
  if (deno !== undefined) return 'Deno has no event loop of libuv';
  // Its event loop is driven by another one.
  if (electron !== undefined) return 'inline I/O is not tested on Electron';
  // The event loop of Node waits on the descriptor of the runtime's epoll, which is found in /proc.
  if (platform !== 'linux') return `inline I/O needs Linux, and this is ${platform}`;
  return undefined;
}

function invalidVariable(value: string): QWormholeError {
  const message = `The environment variable ${IO_VARIABLE} must be auto, inline or threads; it is ${describe(value)}`;
  return new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { variable: IO_VARIABLE } });
}
