/** Failures of the I/O side as typed errors, worded as the TypeScript backend words them. */
import { getSystemErrorName } from 'node:util';
import { headersOf } from '../headers.js';
import { ERROR_TABLE } from '../../errors/codes.js';
import { type ErrorCode, fromSystem, QWormholeError, type SystemContext } from '../../errors/error.js';
import type { Fault } from './binding.js';

/** The typed error of a failure that crossed as data. */
export function faultOf(fault: Fault, during: SystemContext): QWormholeError {
  const { code, context, os, details } = fault;
  const cause = os === undefined || os === null ? undefined : systemError(os, context, during);
  // Where it means more than what the system says.
  if (cause !== undefined && code !== 'ERR_QW_HANDSHAKE') return fromSystem(cause, during);
  const known = Object.hasOwn(ERROR_TABLE, code) ? (code as ErrorCode) : 'ERR_QW_INTERNAL';
  const message = context.charAt(0).toUpperCase() + context.slice(1);
  const closeCode = details?.closeCode as number | undefined;
  return new QWormholeError(known, message, { cause, details: details ?? { what: during.what }, closeCode });
}

/**
 * As `faultOf`, of the lines code, system error number or nothing, details, context; and behind zeros, where a
 * server refused, the lines of its headers and its body.
 */
export function faultOfText(text: string, during: SystemContext): QWormholeError {
  const [fault, headers, body] = text.split('\0');
  const [code, number, numbers, ...lines] = fault.split('\n');
  const os = number === '' ? undefined : Number(number);
  const details = headers === undefined ? detailsOf(numbers) : answerOf(numbers, headers, body);
  return faultOf({ code, os, details, context: lines.join('\n') }, during);
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

/** Details that are no numbers: the name of an alert of TLS, fingerprints. */
const WORDS = new Set(['alert', 'spki', 'cert']);

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
