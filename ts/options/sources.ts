/**
 * Options of a client that may be functions: asked before each attempt to connect, so that addresses, tokens and
 * certificates can be others by then. What they give is checked as the options themselves are.
 */
import { QWormholeError } from '../errors/error.js';
import type { EndpointInput } from '../endpoint.js';
import { checkOptions, invalidOption } from './check.js';
import { clientSchema } from './schema.js';
import type { HandshakeMeta } from '../policy/handshake.js';
import { checkMetaSize, type HandshakeExtension } from './qwh.js';
import type { CheckedClientTls } from './tls-schema.js';
import type { ClientOptions, ClientTlsOptions } from './types.js';
import { inTurn } from './websocket.js';

/** An attempt to connect, as options that are functions see it. */
export interface ConnectAttempt {
  /** 0 for the first one of `connect()`, then 1, 2, … since the failure or loss before. */
  readonly number: number;
  /** Aborted when the attempt has failed, or is given up. */
  readonly signal: AbortSignal;
}

/** An option that is found out for each attempt. What it throws fails the attempt. */
export type PerAttempt<T> = (attempt: ConnectAttempt) => T | PromiseLike<T>;

/** Whom to call, found out for each attempt. */
export type EndpointSource = PerAttempt<EndpointInput | readonly EndpointInput[]>;

/** Headers of an opening handshake, as the option takes them. */
export type HeadersInput = Readonly<Record<string, string | readonly string[]>>;

/** Those that were given as functions. */
export interface ClientSources {
  readonly endpoints: EndpointSource | undefined;
  readonly headers: PerAttempt<HeadersInput> | undefined;
  readonly tls: PerAttempt<ClientTlsOptions> | undefined;
  readonly meta: PerAttempt<HandshakeMeta> | undefined;
  readonly trace: PerAttempt<string | undefined> | undefined;
}

/** The options without their functions, and these. Whatever is no object is left to the check of options. */
export function takeSources(options: ClientOptions): { rest: ClientOptions; sources: ClientSources } {
  const take = <Name extends keyof ClientSources>(name: Name): ClientSources[Name] => {
    const value: unknown = (options as ClientOptions | null | undefined)?.[name];
    return typeof value === 'function' ? (value as ClientSources[Name]) : undefined;
  };
  const sources = {
    endpoints: take('endpoints'),
    headers: take('headers'),
    tls: take('tls'),
    meta: take('meta'),
    trace: take('trace'),
  };
  const taken = Object.entries(sources).filter(([, source]) => source !== undefined);
  if (taken.length === 0) return { rest: options, sources };
  return { rest: { ...options, ...Object.fromEntries(taken.map(([name]) => [name, undefined])) }, sources };
}

/** Calls a function that is an option. Rejects with `ERR_QW_OPTION_FAILED` for what it throws. */
export async function ask<T>(option: string, source: PerAttempt<T>, attempt: ConnectAttempt): Promise<T> {
  try {
    return await source(attempt);
  } catch (cause) {
    const message = `The function given as option ${option} failed for attempt ${attempt.number}`;
    throw new QWormholeError('ERR_QW_OPTION_FAILED', message, { cause, details: { option } });
  }
}

/** @throws QWormholeError `ERR_QW_OPTION_INVALID` */
export function checkHeaders(headers: HeadersInput): readonly string[] {
  return inTurn(checkOptions(clientSchema.pick({ headers: true }), 'client', { headers }).headers ?? {});
}

/** @throws QWormholeError `ERR_QW_OPTION_INVALID`, `ERR_QW_OPTION_UNKNOWN` */
export function checkTls(tls: ClientTlsOptions): CheckedClientTls {
  if (typeof tls !== 'object' || tls === null) throw invalidOption('tls', tls);
  return checkOptions(clientSchema.pick({ tls: true }), 'client', { tls }).tls ?? {};
}

/** @throws QWormholeError `ERR_QW_OPTION_INVALID`, `ERR_QW_OPTION_UNKNOWN` */
export function checkMeta(given: HandshakeMeta, extensions: readonly HandshakeExtension[]): HandshakeMeta {
  if (typeof given !== 'object' || given === null) throw invalidOption('meta', given);
  const meta = checkOptions(clientSchema.pick({ meta: true }), 'client', { meta: given }).meta ?? {};
  checkMetaSize(meta, extensions);
  return meta;
}

/** Nothing is no trace. @throws QWormholeError `ERR_QW_OPTION_INVALID` */
export function checkTrace(trace: string | undefined): string | undefined {
  return checkOptions(clientSchema.pick({ trace: true }), 'client', { trace }).trace;
}
