/** Failures of the I/O side as typed errors, worded as the TypeScript backend words them. */
import { getSystemErrorName } from 'node:util';
import { ERROR_TABLE } from '../../errors/codes.js';
import { type ErrorCode, fromSystem, QWormholeError, type SystemContext } from '../../errors/error.js';
import type { Fault } from './binding.js';

/** The typed error of a failure that crossed as data. */
export function faultOf({ code, context, os }: Fault, during: SystemContext): QWormholeError {
  if (os !== undefined && os !== null) return fromSystem(systemError(os, during), during);
  const known = Object.hasOwn(ERROR_TABLE, code) ? (code as ErrorCode) : 'ERR_QW_INTERNAL';
  const message = context.charAt(0).toUpperCase() + context.slice(1);
  return new QWormholeError(known, message, { details: { what: during.what } });
}

/** As `faultOf`, of the lines code, system error number or nothing, context. */
export function faultOfText(text: string, during: SystemContext): QWormholeError {
  const [code, os, ...context] = text.split('\n');
  return faultOf({ code, os: os === '' ? undefined : Number(os), context: context.join('\n') }, during);
}

/** No connection in time. */
export function connectTimeout(what: string, timeoutMs: number): QWormholeError {
  const message = `Cannot connect to ${what} within ${timeoutMs} ms`;
  return new QWormholeError('ERR_QW_CONNECT_TIMEOUT', message, { details: { what, timeoutMs } });
}

/** The error of an I/O thread that broke. */
export function nativeFailure(why: string): QWormholeError {
  return new QWormholeError('ERR_QW_NATIVE_FAILED', `The native backend broke: ${why}`);
}

function systemError(errno: number, { during }: SystemContext): NodeJS.ErrnoException {
  const code = nameOf(errno);
  return Object.assign(new Error(`${during} ${code}`), { code, errno: -errno });
}

function nameOf(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}
