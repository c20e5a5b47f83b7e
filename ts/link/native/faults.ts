/** Failures of the I/O side as typed errors, worded as the TypeScript backend words them. */
import { getSystemErrorName } from 'node:util';
import { ERROR_TABLE } from '../../errors/codes.js';
import { type ErrorCode, fromSystem, QWormholeError, type SystemContext } from '../../errors/error.js';
import type { Fault } from './binding.js';

/** The typed error of a failure that crossed as data. */
export function faultOf(fault: Fault, during: SystemContext): QWormholeError {
  const { code, context, os, details } = fault;
  if (os !== undefined && os !== null) return fromSystem(systemError(os, context, during), during);
  const known = Object.hasOwn(ERROR_TABLE, code) ? (code as ErrorCode) : 'ERR_QW_INTERNAL';
  const message = context.charAt(0).toUpperCase() + context.slice(1);
  return new QWormholeError(known, message, { details: details ?? { what: during.what } });
}

/** As `faultOf`, of the lines code, system error number or nothing, details, context. */
export function faultOfText(text: string, during: SystemContext): QWormholeError {
  const [code, number, numbers, ...lines] = text.split('\n');
  const os = number === '' ? undefined : Number(number);
  return faultOf({ code, os, details: detailsOf(numbers), context: lines.join('\n') }, during);
}

/** The error of an I/O thread that broke. */
export function nativeFailure(why: string): QWormholeError {
  return new QWormholeError('ERR_QW_NATIVE_FAILED', `The native backend broke: ${why}`);
}

/** Of `name=number` with blanks between them. */
function detailsOf(text: string): Record<string, number> | undefined {
  if (text === '') return undefined;
  const pairs = text.split(' ').map((pair) => pair.split('='));
  return Object.fromEntries(pairs.map(([name, number]) => [name, Number(number)]));
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
