/** In which order the addresses of a name are tried (RFC 8305, section 4). */
import type { Address } from '../link/resolve.js';

/**
 * The families in turn, beginning with that of the first address, which the system prefers: where one family
 * leads nowhere, the other one is next. Within a family the order stays.
 */
export function interleaved(addresses: readonly Address[]): Address[] {
  const preferred = addresses.filter(({ family }) => family === addresses[0].family);
  const others = addresses.filter(({ family }) => family !== addresses[0].family);
  const length = Math.max(preferred.length, others.length);
  return Array.from({ length }, (_, at) => [
    ...preferred.slice(at, at + 1),
    ...others.slice(at, at + 1),
  ]).flat();
}
