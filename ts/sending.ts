/** The parts of sending and closing that need no connection. */
import { isUtf8 } from 'node:buffer';
import { describe } from './describe.js';
import { QWormholeError } from './errors/error.js';
import { isWebSocket } from './link/carriers.js';
import { nearest } from './nearest.js';
import type { Carrier, ClassIndex, Protocol } from './link/link.js';
import { byteLength } from './link/view.js';
import { toWebSocketCode } from './link/websocket-codes.js';

/** Which messages overtake which, while they are queued. */
export type MessageClass = 'high' | 'normal' | 'low';

/** What `send` takes besides the message. */
export interface SendOptions {
  /** High overtakes normal overtakes low, between whole messages. Default: `normal`. */
  readonly class?: MessageClass;
  /**
   * On WebSocket: send as a text message or as a binary one. Bytes that go as text must be valid UTF-8. Default:
   * text if the codec makes a string of the message.
   */
  readonly text?: boolean;
  /**
   * What the message is the latest value of, 1 to 256 characters. With `overflow: 'conflate'` it replaces the one with
   * the same key that still waits.
   */
  readonly key?: string;
}

/** Names of options that a method takes. */
type OptionNames = Readonly<Record<string, true | undefined>>;

const SEND_OPTIONS: OptionNames = { class: true, text: true, key: true };
const BROADCAST_OPTIONS: OptionNames = { ...SEND_OPTIONS, except: true, overflow: true };

/** The class of a message in these options. Throws `ERR_QW_OPTION_…` for what `send` does not have. */
export function classIn(options: SendOptions): ClassIndex {
  for (const name in options) if (SEND_OPTIONS[name] !== true) throw unknownOption(name, SEND_OPTIONS);
  return classOf(options.class);
}

/** Throws `ERR_QW_OPTION_UNKNOWN` for an option that `broadcast` and `publish` do not have. */
export function checkBroadcastOptions(options: object): void {
  for (const name in options)
    if (BROADCAST_OPTIONS[name] !== true) throw unknownOption(name, BROADCAST_OPTIONS);
}

function unknownOption(name: string, known: OptionNames): QWormholeError {
  const meant = nearest(name, Object.keys(known));
  const hint = meant === undefined ? `there are ${Object.keys(known).join(', ')}` : `did you mean ${meant}?`;
  const message = `Option ${name} of a message does not exist: ${hint}`;
  const details = { option: name, ...(meant !== undefined && { suggestion: meant }) };
  return new QWormholeError('ERR_QW_OPTION_UNKNOWN', message, { details });
}

/** The class of a message unless told otherwise. */
export const NORMAL: ClassIndex = 1;
const MAX_CODE = 0xffff;
/** Timers fire at once beyond it. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Throws `ERR_QW_OPTION_INVALID` for a class that does not exist. */
export function classOf(name: MessageClass | undefined): ClassIndex {
  switch (name) {
    case undefined:
    case 'normal':
      return NORMAL;
    case 'high':
      return 0;
    case 'low':
      return 2;
    default: {
      const message = `The class of a message is 'high', 'normal' or 'low', not ${describe(name)}`;
      throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'class' } });
    }
  }
}

const NOTHING = new Uint8Array(0);

/**
 * Whether a payload goes as text on a carrier that can tell. Throws `ERR_QW_ENCODE` for bytes that are no text
 * and `ERR_QW_OPTION_INVALID` for a wish that is none.
 */
export function isTextOf(payload: string | Uint8Array, wish: boolean | undefined): boolean {
  if (wish === undefined) return typeof payload === 'string';
  if (typeof wish !== 'boolean') {
    const message = `Option text of a message is true or false, not ${describe(wish)}`;
    throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'text' } });
  }
  if (wish && typeof payload !== 'string' && !isUtf8(payload)) {
    throw new QWormholeError('ERR_QW_ENCODE', 'The bytes of a text message are not valid UTF-8');
  }
  return wish;
}

/** Bytes of a payload on the wire. Throws `ERR_QW_ENCODE` for bytes that cannot be read. */
export function sizeOf(payload: string | Uint8Array): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload);
  try {
    const size = byteLength(payload);
    // Bytes whose memory was transferred away look like none, but cannot be copied.
    if (size === 0) NOTHING.set(payload);
    return size;
  } catch (cause) {
    throw new QWormholeError('ERR_QW_ENCODE', 'The bytes of the message cannot be read', { cause });
  }
}

/** What a close code travels over. */
export interface Wire {
  readonly carrier: Carrier;
  readonly protocol: Protocol;
}

/** Throws `ERR_QW_OPTION_INVALID` unless they are a reason and a close code that the carrier or the protocol can have. */
export function checkClose(code: unknown, reason: unknown, { carrier, protocol }: Wire): void {
  if (typeof code !== 'number' || !Number.isInteger(code) || code < 0 || code > MAX_CODE) {
    const message = `A close code is an integer from 0 to ${MAX_CODE}, not ${describe(code)}`;
    throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'code' } });
  }
  // With qwh it is in the GOAWAY, whatever the close frame behind that has.
  if (isWebSocket(carrier) && protocol !== 'qwh' && toWebSocketCode(code) === undefined) {
    const message = `${code} is not a close code that WebSocket can carry: it takes 0 to 599, 1000 to 1014 without 1004 to 1006, and 3000 to 4999`;
    throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'code' } });
  }
  if (typeof reason !== 'string') {
    const message = `The reason of a close is a string, not ${describe(reason)}`;
    throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'reason' } });
  }
}

/** Throws `ERR_QW_OPTION_INVALID` unless it is a time in ms that timers can wait. */
export function checkDuration(name: string, ms: unknown): void {
  if (typeof ms === 'number' && ms >= 0 && ms <= MAX_TIMER_MS) return;
  const message = `Option ${name} must be a number from 0 to ${MAX_TIMER_MS} (ms); it is ${describe(ms)}`;
  throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: name } });
}
