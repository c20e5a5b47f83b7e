/** Names to addresses, by Node's own resolver: its settings hold for both backends. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { fromSystem } from '../errors/error.js';
import { isPath, placeText } from './place.js';

export interface Address {
  readonly address: string;
  /** 0 for a path. */
  readonly family: number;
}

/** What is to be resolved: with an address of our own, only to addresses of its family. */
interface Target {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

/** The addresses of a host, at least one, in the order in which to try them. */
export async function addressesOf(
  { host, port, localAddress }: Target,
  during: 'listen' | 'connect',
): Promise<Address[]> {
  const family = isIP(host);
  if (family !== 0 || isPath(host)) return [{ address: host, family }];
  try {
    return await lookup(host, { all: true, family: localAddress === undefined ? 0 : isIP(localAddress) });
  } catch (error) {
    throw fromSystem(error, { during, what: placeText({ host, port }) });
  }
}
