/** permessage-deflate in the words of the package `ws`. */
import type { PerMessageDeflateOptions } from 'ws';
import type { DeflateSettings } from '../link.js';
import { parseExtensions, type Extension } from './ws-extensions.js';

const NAME = 'permessage-deflate';
const SERVER_TAKEOVER = 'server_no_context_takeover';
const CLIENT_TAKEOVER = 'client_no_context_takeover';
const SERVER_WINDOW = 'server_max_window_bits';
const CLIENT_WINDOW = 'client_max_window_bits';

/** What a client may say (RFC 7692, section 7.1); windows without leading zeros. */
const PARAMETERS: Readonly<Record<string, RegExp>> = Object.assign(Object.create(null), {
  [SERVER_TAKEOVER]: /^$/,
  [CLIENT_TAKEOVER]: /^$/,
  [SERVER_WINDOW]: /^([89]|1[0-5])$/,
  [CLIENT_WINDOW]: /^([89]|1[0-5])?$/,
});

/** The window of zlib where nothing is said about it, and the smallest one. */
const FULL_WINDOW = 15;
const MIN_WINDOW = 9;

/** What a client offers, or what a server has agreed to. */
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

/** What a server agrees to: the offer that leaves the package no choice, and the options that go with it. */
export interface DeflateAnswer {
  readonly offer: string;
  readonly options: PerMessageDeflateOptions;
}

/**
 * The first offer that can be accepted, as our settings limit it; nothing where there is none: then the connection
 * is uncompressed (RFC 7692, section 5.1). The package itself would refuse the client for one offer that is not to
 * its taste.
 */
export function answerDeflate(
  settings: DeflateSettings | false,
  header: string | undefined,
): DeflateAnswer | undefined {
  if (settings === false || header === undefined) return undefined;
  for (const { name, params } of parseExtensions(header) ?? []) {
    const offer = name === NAME ? offerOf(params) : undefined;
    const agreed = offer && agree(offer, settings);
    if (agreed !== undefined) return { offer: format(agreed), options: deflateOptions(agreed) || {} };
  }
  return undefined;
}

/** The parameters of one offer, each at most once and with a value that can be. */
interface Offer {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number;
  /** `undefined`: the client does not understand the parameter. */
  readonly clientMaxWindowBits: number | undefined;
}

/** Nothing for what must be declined: unknown, repeated or impossible parameters (section 7.1). */
function offerOf(params: Extension['params']): Offer | undefined {
  const given = new Map(params);
  if (given.size < params.length) return undefined;
  for (const [name, value] of given) if (!PARAMETERS[name]?.test(value ?? '')) return undefined;
  // Without a value a client only says that it understands the parameter.
  const clientWindow = given.get(CLIENT_WINDOW) ?? FULL_WINDOW;
  return {
    serverNoContextTakeover: given.has(SERVER_TAKEOVER),
    clientNoContextTakeover: given.has(CLIENT_TAKEOVER),
    serverMaxWindowBits: Number(given.get(SERVER_WINDOW) ?? FULL_WINDOW),
    clientMaxWindowBits: given.has(CLIENT_WINDOW) ? Number(clientWindow) : undefined,
  };
}

function agree(offer: Offer, ours: DeflateSettings): DeflateSettings | undefined {
  const serverMaxWindowBits = Math.min(offer.serverMaxWindowBits, ours.serverMaxWindowBits);
  // zlib's compressor knows no window of 256 bytes: better another offer, or none.
  if (serverMaxWindowBits < MIN_WINDOW) return undefined;
  const { clientMaxWindowBits: understood } = offer;
  return {
    ...ours,
    serverNoContextTakeover: offer.serverNoContextTakeover || ours.serverNoContextTakeover,
    clientNoContextTakeover: offer.clientNoContextTakeover || ours.clientNoContextTakeover,
    serverMaxWindowBits,
    // A bound may be set only for those who understand it; the others compress as they like.
    clientMaxWindowBits:
      understood === undefined ? FULL_WINDOW : Math.min(understood, ours.clientMaxWindowBits),
  };
}

function format(agreed: DeflateSettings): string {
  const parts = [
    NAME,
    agreed.serverNoContextTakeover && SERVER_TAKEOVER,
    agreed.clientNoContextTakeover && CLIENT_TAKEOVER,
    agreed.serverMaxWindowBits < FULL_WINDOW && `${SERVER_WINDOW}=${agreed.serverMaxWindowBits}`,
    agreed.clientMaxWindowBits < FULL_WINDOW && `${CLIENT_WINDOW}=${agreed.clientMaxWindowBits}`,
  ];
  return parts.filter((part) => part !== false).join('; ');
}
