/** permessage-deflate in the words of the package `ws`. */
import type { PerMessageDeflateOptions } from 'ws';
import type { DeflateSettings } from '../link.js';

/** The window of zlib where nothing is said about it. */
const FULL_WINDOW = 15;

/** What a client offers, and what a server agrees to where nothing in the offer is against it. */
export function deflateOptions(settings: DeflateSettings | false): PerMessageDeflateOptions | false {
  if (settings === false) return false;
  const { level, serverMaxWindowBits, clientMaxWindowBits } = settings;
  return {
    zlibDeflateOptions: { level },
    // To the package `false` would mean that the other end must not want it either.
    ...(settings.serverNoContextTakeover && { serverNoContextTakeover: true }),
    ...(settings.clientNoContextTakeover && { clientNoContextTakeover: true }),
    ...(serverMaxWindowBits < FULL_WINDOW && { serverMaxWindowBits }),
    ...(clientMaxWindowBits < FULL_WINDOW && { clientMaxWindowBits }),
  };
}

/**
 * What a server agrees to, given the header of a client's offers. The package refuses a client whose offer does
 * not fit; here it is served without a window that it did not offer, or with the smaller one that it asks for.
 */
export function deflateFor(
  settings: DeflateSettings | false,
  offers: string | undefined,
): PerMessageDeflateOptions | false {
  const options = deflateOptions(settings);
  if (options === false || offers === undefined) return false;
  if (!offers.includes('client_max_window_bits')) delete options.clientMaxWindowBits;
  if (offers.includes('server_max_window_bits')) delete options.serverMaxWindowBits;
  return options;
}
