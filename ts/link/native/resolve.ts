/** Names to addresses, by Node's own resolver: its settings hold for both backends. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { fromSystem } from '../../errors/error.js';

export interface Address {
  readonly address: string;
  readonly family: number;
}

/**
 * The addresses of a host, at least one, in the order in which to try them. With `from`, an address of
 * our own, only those of its family.
 */
export async function addressesOf(
  host: string,
  during: 'listen' | 'connect',
  from?: string,
): Promise<Address[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  try {
    return await lookup(host, { all: true, family: from === undefined ? 0 : isIP(from) });
  } catch (error) {
    throw fromSystem(error, { during, what: host });
  }
}
