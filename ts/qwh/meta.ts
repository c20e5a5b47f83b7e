/**
 * The JSON in a HELLO: telemetry that a peer declares of itself. Nothing that a limit or a permission depends on
 * is in there, because parsers disagree about keys that come twice and about large numbers.
 */
import { fromUtf8 } from './bytes.js';
import { protocolFault } from './fault.js';
import { MAX_META, MAX_META_DEPTH } from './limits.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Checks that `bytes` are an object in JSON, within the limits, and gives it as text. */
export function checkMeta(bytes: Uint8Array): string {
  if (bytes.length > MAX_META) throw protocolFault('meta is too long');
  const text = fromUtf8(bytes);
  if (text === undefined) throw protocolFault('meta is not UTF-8');
  // Before anything is built of it, so that no parser's stack depends on a peer.
  if (depth(bytes) > MAX_META_DEPTH) throw protocolFault('meta is nested too deep');
  if (!isObject(text)) throw protocolFault('meta is no JSON object');
  return text;
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** How deep brackets are nested, those in strings aside. For what is JSON, this is its depth. */
function depth(bytes: Uint8Array): number {
  let now = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) inString = !inString;
    else if (inString) {
      // What is escaped is passed over.
      if (byte === BACKSLASH) at += 1;
    } else if (OPENING.has(byte)) {
      now += 1;
      deepest = Math.max(deepest, now);
    } else if (CLOSING.has(byte)) now = Math.max(0, now - 1);
  }
  return deepest;
}
