/** How many connections there are from each address. */
import { isIPv6 } from 'node:net';

/** IPv6 addresses that have so many 16-bit groups in common are one customer's: a network of 64 bits. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

export class Crowd {
  /** From one address; `Infinity` for no bound. */
  readonly most: number;
  /** Those that have any: never more than there are connections. */
  readonly #byPlace = new Map<string, number>();

  constructor(most: number) {
    this.most = most;
  }

  /** Whether one more may come from there. */
  hasRoom(address: string): boolean {
    return !this.#counts(address) || (this.#byPlace.get(placeOf(address)) ?? 0) < this.most;
  }

  enter(address: string): void {
    this.#add(address, 1);
  }

  leave(address: string): void {
    this.#add(address, -1);
  }

  /** Who calls over a Unix socket or a pipe has no address, and is not one of many behind one. */
  #counts(address: string): boolean {
    return this.most !== Infinity && address !== '';
  }

  #add(address: string, change: 1 | -1): void {
    if (!this.#counts(address)) return;
    const place = placeOf(address);
    const count = (this.#byPlace.get(place) ?? 0) + change;
    if (count > 0) this.#byPlace.set(place, count);
    else this.#byPlace.delete(place);
  }
}

/** What counts as one address: an IPv4 address, however it is written, or the network of an IPv6 address. */
export function placeOf(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [front, back] = address.split('%', 1)[0].toLowerCase().split('::');
  const groups = groupsOf(front);
  const missing = back === undefined ? 0 : GROUPS - groups.length - groupsOf(back).length;
  const all = [...groups, ...Array.from({ length: missing }, () => 0), ...groupsOf(back ?? '')];
  return `${all
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

function groupsOf(text: string): number[] {
  // An IPv4 address at the end stands for two groups, which are behind the network anyway.
  return text === ''
    ? []
    : text.split(':').flatMap((group) => (group.includes('.') ? [0, 0] : [parseInt(group, 16)]));
}
