/** What the two binary codecs, CBOR and MessagePack, have in common. */
import { types } from 'node:util';
import { describe } from '../describe.js';

/**
 * How deep arrays and maps may nest. Far above what messages need, far below what the stack allows, and
 * the same in both directions, so that what one end accepts the other one reads.
 */
export const MAX_DEPTH = 1_000;

/** Throws where nesting goes too deep, which a value that refers to itself always does. */
export function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels, or within itself`);
}

/** Adds an entry of a received map. A key `__proto__` becomes an own property and changes no prototype. */
export function addEntry(target: Record<string, unknown>, key: unknown, value: unknown): void {
  if (typeof key !== 'string' && !Number.isSafeInteger(key)) {
    throw new TypeError(`a map key must be a string or an integer, not ${describe(key)}`);
  }
  const name = String(key);
  // Two values for one key are read differently by different programs: that is how checks are bypassed.
  if (Object.hasOwn(target, name)) throw new TypeError('a map has the same key twice');
  if (name !== '__proto__') target[name] = value;
  else Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

/** The bytes of a value that is bytes in any form, else `undefined`. */
export function bytesOf(value: object): Uint8Array | undefined {
  if (types.isUint8Array(value)) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : undefined;
}

/**
 * The entries that an object is sent as: of a Map with string keys, or the own properties, without those
 * that are undefined, as JSON does. What would silently go out empty, such as a promise, is refused.
 */
export function entriesOf(value: object): [string, unknown][] {
  if (types.isMap(value)) return mapEntries(value as Map<unknown, unknown>);
  if (isOpaque(value)) throw new TypeError(`there is no form for ${describe(value)}`);
  const entries = Object.entries(value);
  return entries.some(isUndefined) ? entries.filter((entry) => !isUndefined(entry)) : entries;
}

function isUndefined(entry: [string, unknown]): boolean {
  return entry[1] === undefined;
}

function mapEntries(map: Map<unknown, unknown>): [string, unknown][] {
  for (const key of map.keys()) {
    if (typeof key !== 'string') throw new TypeError(`a map key must be a string, not ${describe(key)}`);
  }
  return [...map] as [string, unknown][];
}

function isOpaque(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return false;
  return (
    types.isPromise(value) ||
    types.isSet(value) ||
    types.isRegExp(value) ||
    types.isNativeError(value) ||
    types.isBoxedPrimitive(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value)
  );
}
