/**
 * Faults of options that hold credentials: what is wrong with a value is said, and the value is not. Errors go
 * into logs.
 */
import type { z } from 'zod';
import { QWormholeError } from '../errors/error.js';
import { OPTION_TABLE } from './table.js';

type Issue = z.core.$ZodIssue;

/** Values of headers are tokens and cookies; subprotocols carry tokens where a page can set nothing else. */
const UNTOLD: ReadonlySet<PropertyKey> = new Set(['headers', 'subprotocols']);

/** Of TLS these hold no secret, nor is one put there by mistake. */
const SHOWN_OF_TLS =
  /^tls\.(minVersion|maxVersion|postQuantum|servername|alpn|pins|revoked|\w+Ms|maxPendingHandshakes|requestCert)(\.|$)/;

/** Whether this is the name of an option whose value must not be shown: `meta` carries tokens, too. */
export function isSecret(name: string): boolean {
  if (/^meta(\.|$)/.test(name)) return true;
  return /^tls(\.|$)/.test(name) && !SHOWN_OF_TLS.test(name);
}

/** Whether the value at this path must not be shown. */
export function isUntold([option]: readonly PropertyKey[]): boolean {
  return UNTOLD.has(option);
}

/** The error for a value that must not be shown. */
export function untoldFault({ code, path }: Issue, value: unknown): QWormholeError {
  const isHeader = path[0] === 'headers';
  if (isHeader && code === 'invalid_key') return fault('headers', wrongName(String(path[1])));
  const name = path.map(String).join('.');
  if (typeof value !== 'string') return fault(name, `${expected(isHeader, path)}; it is ${kindOf(value)}`);
  if (path.length === 1) return fault(name, `${expected(isHeader, path)}; it is a string`);
  return fault(name, isHeader ? wrongValue(value) : wrongSubprotocol(value));
}

function fault(option: string, rule: string): QWormholeError {
  const details = { option };
  return new QWormholeError('ERR_QW_OPTION_INVALID', `Option ${option} ${rule}`, { details });
}

function expected(isHeader: boolean, { length }: readonly PropertyKey[]): string {
  if (length === 1) return `must be ${OPTION_TABLE[isHeader ? 'headers' : 'subprotocols'].expects}`;
  return isHeader ? 'must be a string or a list of strings' : 'must be a string';
}

/** A value that was put where the name belongs is not shown either: only what a name can be. */
function wrongName(name: string): string {
  const [legal] = /^[\w-]*/.exec(name)!;
  const isWhole = legal === name && name !== '';
  return isWhole
    ? `must not have the name ${name}, which the handshake sets itself`
    : `has a name that no header can have; it begins with "${legal}"`;
}

function wrongValue(value: string): string {
  return hasControl(value)
    ? 'has a control character, such as a line end'
    : 'has a character beyond U+00FF, which a header cannot hold';
}

function wrongSubprotocol(value: string): string {
  if (value === '') return 'is empty';
  return hasControl(value)
    ? 'has a control character, such as a line end'
    : 'has a character that no subprotocol can have, such as a blank or a comma';
}

function hasControl(value: string): boolean {
  return /\p{Cc}/u.test(value);
}

/** What a value is, without saying which. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? `an array of ${value.length}` : `of type ${typeof value}`;
}
