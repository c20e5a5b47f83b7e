/** Frames: eight bytes of header, then the body. A record holds whole frames only. */
import type { ClassIndex } from '../link/link.js';
import { concat, u16 } from './bytes.js';

/** Bytes of a header. */
export const HEADER = 8;

/** The types of frames that are spoken here; those from `extension` on are passed over. */
export const Kind = Object.freeze({
  /** Nothing, in any length. */
  pad: 0x00,
  /** The sender accepts its peer. */
  ready: 0x01,
  /** What the sender is, wants and allows. */
  hello: 0x02,
  /** The sender's last frame. */
  goaway: 0x03,
  /** To be answered with a PONG of the same body. */
  ping: 0x04,
  /** The answer, or a sign of life. */
  pong: 0x05,
  /** The first or only frame of a message. */
  data: 0x11,
  /** A further frame of a message. */
  cont: 0x14,
  /** Not known here and passed over, from here on. */
  extension: 0x80,
});

/** More frames of this message follow. */
export const MORE = 0x02;
/** The message's head has an extension. */
export const EXTENDED = 0x08;
const HIGH = 0x20;
const LOW = 0x40;
const CLASS = HIGH | LOW;

/** The flag of each class. */
const CLASS_FLAGS: readonly number[] = [HIGH, 0, LOW];
/** The class of the flags, by their place: none, high, low. */
const CLASS_OF: readonly ClassIndex[] = [1, 0, 2];

/** The flags that may be set, by type; types that are not in it are not spoken here. */
const FLAGS = new Int16Array(256).fill(-1);
for (const kind of [Kind.pad, Kind.ready, Kind.hello, Kind.goaway, Kind.ping, Kind.pong]) FLAGS[kind] = 0;
FLAGS[Kind.data] = MORE | EXTENDED | CLASS;
FLAGS[Kind.cont] = MORE | CLASS;
FLAGS.fill(0x7f, Kind.extension);

/**
 * What is wrong with the header at `at`, if anything: a type or flags that are not spoken here, or any stream but
 * the default channel, 0. A text and not a fault, which would cost every frame.
 */
export function wrongHeader(bytes: Uint8Array, at: number): string | undefined {
  const allowed = FLAGS[bytes[at]];
  if (allowed < 0) return "a frame's type is not spoken here";
  const flags = bytes[at + 1];
  if ((flags & ~allowed) !== 0 || (flags & CLASS) === CLASS) return 'a frame has flags that it must not have';
  const stream = bytes[at + 4] | bytes[at + 5] | bytes[at + 6] | bytes[at + 7];
  return stream !== 0 && bytes[at] < Kind.extension ? 'a frame is of a stream that is not open' : undefined;
}

/** Whether the header at `at` is that of a message in one frame, without a head. */
export function isWholeMessage(bytes: Uint8Array, at: number): boolean {
  const flags = bytes[at + 1];
  const stream = bytes[at + 4] | bytes[at + 5] | bytes[at + 6] | bytes[at + 7];
  return bytes[at] === Kind.data && (flags & ~CLASS) === 0 && flags !== CLASS && stream === 0;
}

/** The class that the flags say. */
export function classOf(flags: number): ClassIndex {
  return CLASS_OF[(flags & CLASS) >>> 5];
}

/** Writes the header of a frame on the default channel. */
export function writeHeader(to: Uint8Array, at: number, kind: number, flags: number, length: number): void {
  to[at] = kind;
  to[at + 1] = flags;
  to[at + 2] = length >>> 8;
  to[at + 3] = length & 0xff;
  to[at + 4] = to[at + 5] = to[at + 6] = to[at + 7] = 0;
}

/** The flag of a class. */
export function classFlag(index: ClassIndex): number {
  return CLASS_FLAGS[index];
}

/** A frame that is no message. */
export function controlFrame(kind: number, body: ArrayLike<number>): Uint8Array {
  return concat([kind, 0, ...u16(body.length), 0, 0, 0, 0], body);
}
