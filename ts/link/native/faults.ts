/** Failures of the I/O side as typed errors, worded as the TypeScript backend words them. */
import { getSystemErrorName } from 'node:util';
import { headersOf } from '../headers.js';
import { ERROR_TABLE } from '../../errors/codes.js';
import { type ErrorCode, fromSystem, QWormholeError, type SystemContext } from '../../errors/error.js';
import { type Hello, parseHello } from '../../qwh/index.js';
import { handshakeFailure } from '../qwh-fault.js';
import type { Fault } from './binding.js';

/** Our end of a handshake of QWH/1. */
export interface Met {
  readonly hello: Hello;
  /** We have called. */
  readonly initiates: boolean;
}

/** A peer that is gone without its last word: the other backend says with whom. */
const WORDLESS = 'the peer ended the stream without a';

/** What a peer is told that breaks a rule. */
const BROKEN: ReadonlySet<string> = new Set(['ERR_QW_PROTOCOL', 'ERR_QW_TOO_BIG', 'ERR_QW_FLOOD']);

const REFUSED_US = 'the peer refused the handshake';
/** As `src/driver/meeting/course.rs` words it: who, and why. */
const UNMET =
  /^(the handshake failed|the peer was refused|the peer refused the handshake) with code \d+(?:: ([\s\S]*))?$/;

/** The typed error of a failure that crossed as data. */
export function faultOf(fault: Fault, during: SystemContext): QWormholeError {
  const { code, context, os, details } = fault;
  const cause = os === undefined || os === null ? undefined : systemError(os, context, during);
  if (during.during === 'io' && code === 'ERR_QW_CONNECTION_LOST' && context.startsWith(WORDLESS))
    return fromSystem(context, during);
  // Where it means more than what the system says.
  if (cause !== undefined && code !== 'ERR_QW_HANDSHAKE') return fromSystem(cause, during);
  const known = Object.hasOwn(ERROR_TABLE, code) ? (code as ErrorCode) : 'ERR_QW_INTERNAL';
  const message = context.charAt(0).toUpperCase() + context.slice(1);
  const closeCode = details?.closeCode as number | undefined;
  // A broken rule, in the words that the peer is told.
  const told = BROKEN.has(known) && closeCode !== undefined && { reason: context };
  return new QWormholeError(known, message, {
    cause,
    details: details === undefined ? { what: during.what } : { ...details, ...told },
    closeCode,
  });
}

/**
 * As `faultOf`, of the lines code, system error number or nothing, details, context; and behind zeros, where a
 * server refused, the lines of its headers and its body. `meeting`: with whom a handshake of QWH/1 may have failed.
 */
export function faultOfText(text: string, during: SystemContext, meeting?: Met): QWormholeError {
  const met = meetingFault(text, meeting);
  if (met !== undefined) return met;
  const [fault, headers, body] = text.split('\0');
  const [code, number, numbers, ...lines] = fault.split('\n');
  const os = number === '' ? undefined : Number(number);
  const details = headers === undefined ? detailsOf(numbers) : answerOf(numbers, headers, body);
  return faultOf({ code, os, details, context: lines.join('\n') }, during);
}

/** A handshake of QWH/1 that failed: nothing else has advice when to come back. The reason may have any characters. */
function meetingFault(text: string, meeting: Met | undefined): QWormholeError | undefined {
  const [, , numbers, ...lines] = text.split('\n');
  const { closeCode, retryAfterMs, hello } = detailsOf(numbers) ?? {};
  const said = UNMET.exec(lines.join('\n'));
  if (said === null || typeof closeCode !== 'number' || typeof retryAfterMs !== 'number') return undefined;
  const [, who, reason = ''] = said;
  const theirs = typeof hello === 'string' && meeting !== undefined;
  return handshakeFailure(
    {
      code: closeCode,
      reason,
      origin: who === REFUSED_US ? 'remote' : 'local',
      retryAfterMs,
      ...(theirs && { misfit: parseHello(Buffer.from(hello, 'base64url'), !meeting.initiates) }),
    },
    meeting?.hello,
  );
}

/** The error of an I/O thread that broke. */
export function nativeFailure(why: string): QWormholeError {
  return new QWormholeError('ERR_QW_NATIVE_FAILED', `The native backend broke: ${why}`);
}

/** What a server said that refused the upgrade. */
function answerOf(numbers: string, headers: string, body: string): Record<string, unknown> {
  const lines = headers === '' ? [] : headers.split('\n');
  return { ...detailsOf(numbers), headers: headersOf(lines), body };
}

/** Details that are no numbers: the name of an alert of TLS, fingerprints, the HELLO of a peer. */
const WORDS = new Set(['alert', 'spki', 'cert', 'hello']);

/** Of `name=value` with blanks between them. */
function detailsOf(text: string): Record<string, number | string> | undefined {
  if (text === '') return undefined;
  const pairs = text.split(' ').map((pair) => pair.split('='));
  return Object.fromEntries(pairs.map(([name, value]) => [name, WORDS.has(name) ? value : Number(value)]));
}

/** As `node:net` would have it. */
function systemError(errno: number, context: string, { during }: SystemContext): NodeJS.ErrnoException {
  const code = nameOf(errno);
  const syscall = during === 'io' ? ioCall(context) : callOf(during, context);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: -errno, syscall });
}

function ioCall(context: string): string {
  return context === 'writing' ? 'write' : 'read';
}

function callOf(during: string, context: string): string {
  return context.startsWith('binding') ? 'bind' : during;
}

function nameOf(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}
