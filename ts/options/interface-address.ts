/** Binding to an interface by its address, which both backends can do. */
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { QWormholeError } from '../errors/error.js';

type Interfaces = ReturnType<typeof networkInterfaces>;
type Family = 'IPv4' | 'IPv6';

/**
 * The address that a listener binds to: a wildcard host is replaced by the interface's address of its
 * family, any other must be an address of the interface.
 */
export function listenAddress(
  name: string,
  host: string,
  interfaces: Interfaces = networkInterfaces(),
): string {
  if (host === '0.0.0.0') return requireAddress(name, ['IPv4'], interfaces);
  if (/^[0:]+$/.test(host) && isIPv6(host)) return requireAddress(name, ['IPv6'], interfaces);
  if (addressesOf(name, interfaces).some(({ address }) => address === host)) return host;
  throw unavailable(name, `${host} is not one of its addresses; 0.0.0.0 or :: stands for its own`);
}

/**
 * The address that calls to a host come from: of the host's family where the host is an address; for a
 * name IPv4 where the interface has it.
 */
export function dialAddress(
  name: string,
  host: string,
  interfaces: Interfaces = networkInterfaces(),
): string {
  if (isIPv4(host)) return requireAddress(name, ['IPv4'], interfaces);
  return requireAddress(name, isIPv6(host) ? ['IPv6'] : ['IPv4', 'IPv6'], interfaces);
}

function requireAddress(name: string, families: readonly Family[], interfaces: Interfaces): string {
  const found = addressesOf(name, interfaces);
  for (const family of families) {
    const ofFamily = found.filter((each) => each.family === family);
    // Addresses of wider scope come first in use, not always in the system's list.
    const best = ofFamily.find(({ address }) => !/^fe[89ab]/i.test(address)) ?? ofFamily[0];
    if (best !== undefined) return scoped(best.address, name);
  }
  throw unavailable(name, `it has no ${families.join(' or ')} address`);
}

/** A link-local address means nothing without its interface. */
function scoped(address: string, name: string): string {
  return /^fe[89ab]/i.test(address) ? `${address}%${name}` : address;
}

function addressesOf(name: string, interfaces: Interfaces) {
  const found = interfaces[name];
  if (found === undefined) {
    const known = Object.keys(interfaces).join(', ') || 'none';
    throw unavailable(name, `there is no such interface with an address; there are: ${known}`);
  }
  return found;
}

function unavailable(name: string, why: string): QWormholeError {
  return new QWormholeError('ERR_QW_ADDRESS_UNAVAILABLE', `Cannot bind to interface ${name}: ${why}`, {
    details: { interfaceName: name },
  });
}
