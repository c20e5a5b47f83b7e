/** The I/O threads of this environment: one set, as an environment has one event loop. */
import type { NativeBinding } from './binding.js';
import { Exchanges } from './exchanges.js';

let exchanges: Exchanges | undefined;

/** The set that every server and client of this environment shares. */
export function environmentExchanges(binding: NativeBinding): Exchanges {
  return (exchanges ??= new Exchanges(binding));
}

/** Makes the I/O threads panic, or one of them, as a defect in them would: for tests of what follows. */
export function injectNativeFailure(only?: number): void {
  exchanges?.injectFailure(only);
}
