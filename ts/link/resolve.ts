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

/**
 * Lookups that are under way. One without an answer keeps a thread, and Node gives names two of them, for longer than
 * callers wait: who asks for the same name again waits for the same answer.
 */
const underWay = new Map<string, Promise<Address[]>>();

/** The addresses of a host, at least one, in the order in which to try them. */
export async function addressesOf(
  { host, port, localAddress }: Target,
  during: 'listen' | 'connect',
): Promise<Address[]> {
  const family = isIP(host);
  if (family !== 0 || isPath(host)) return [{ address: host, family }];
  try {
    return await lookUp(host, localAddress === undefined ? 0 : isIP(localAddress));
  } catch (error) {
    throw fromSystem(error, { during, what: placeText({ host, port }) });
  }
}

function lookUp(host: string, family: number): Promise<Address[]> {
  const name = `${host} ${family}`;
  const asked = underWay.get(name);
  if (asked !== undefined) return asked;
  const asking = lookup(host, { all: true, family }).finally(() => underWay.delete(name));
  underWay.set(name, asking);
  return asking;
}
