/**
 * Where the backends may differ, by name. The TypeScript one is built on the package `ws`, whose parser cannot
 * be changed from outside; docs/websocket.md tells users. Everything else that differs is a defect.
 */
import type { Stream } from '../support/ws-streams.js';
import type { Verdict } from '../support/ws-verdict.js';

interface Difference {
  readonly name: string;
  /** Whether it accounts for what was seen. */
  accountsFor(native: Verdict, ts: Verdict, stream: Stream): boolean;
}

/** What the native backend says of what is inside of messages. */
const CONTENTS = /UTF-8|Compressed data|inflate/;
const LOST = 'ERR_QW_CONNECTION_LOST';

/** Rules that the native backend applies to the first byte of a frame, or of a long length, as soon as it has it. */
const FIRST_BYTE = /reserved|RSV1|control frame is fragmented|top bit/;
/** Rules that `ws` applies to the first two bytes, before the masking key and before the payload of a close frame. */
const SECOND_BYTE = /invalid (opcode|payload length)/;

export const DIFFERENCES: readonly Difference[] = [
  {
    // The native backend looks at texts and inflates as the bytes come, and fails at the first wrong one (which
    // RFC 6455, section 8.1, leaves open); `ws` inflates whole frames and checks whole texts: pings before that are
    // answered, and another fault or the end may come first.
    name: 'contents are judged as they come, or when they are whole',
    accountsFor: (native, ts) =>
      CONTENTS.test(native.why) && isSame(native.messages, ts.messages) && isPart(native, ts),
  },
  {
    // `ws` inflates on other threads. A peer that does not wait, but ends its side of the TCP connection meanwhile,
    // is not answered any more, neither with pongs nor with a close frame.
    name: 'a peer that ends its side while its message is inflated',
    accountsFor: (native, ts, { isDeflated }) =>
      isDeflated && ts.isLeft && ts.farewell === undefined && isSame(native.messages, ts.messages),
  },
  {
    // RFC 6455, section 5.2: "the minimal number of bytes MUST be used". `ws` does not look.
    name: 'lengths that are not in their shortest form',
    accountsFor: (native, ts) => /shortest form/.test(native.why) && isPart(native, ts),
  },
  {
    // To `ws` a length of 2^53 and more is too big before it is anything else.
    name: 'lengths whose top bit is set',
    accountsFor: (native, ts) =>
      /top bit/.test(native.why) && ts.error === 'ERR_QW_TOO_BIG' && isSameBefore(native, ts),
  },
  {
    // Both come to the same verdict once the header is whole: here the stream ends inside of it.
    name: 'headers that are cut off',
    accountsFor: (native, ts) =>
      isSameBefore(native, ts) &&
      ((ts.error === LOST && FIRST_BYTE.test(native.why)) ||
        (native.error === LOST && (ts.error === 'ERR_QW_TOO_BIG' || SECOND_BYTE.test(ts.why)))),
  },
  {
    // The native backend counts a fragment when its header comes, `ws` when it is whole.
    name: 'one fragment too many that is cut off',
    accountsFor: (native, ts) =>
      native.error === 'ERR_QW_FLOOD' && ts.error === LOST && isSameBefore(native, ts),
  },
];

/** The name of what accounts for a difference, if anything does. */
export function differenceOf(native: Verdict, ts: Verdict, stream: Stream): string | undefined {
  return DIFFERENCES.find(({ accountsFor }) => accountsFor(native, ts, stream))?.name;
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && isPrefix(some, others);
}

function isPrefix(some: readonly string[], others: readonly string[]): boolean {
  return some.every((value, at) => value === others[at]);
}

/** The first saw no more than the second did. */
function isPart(first: Verdict, second: Verdict): boolean {
  return isPrefix(first.messages, second.messages) && isPrefix(first.pongs, second.pongs);
}

function isSameBefore(first: Verdict, second: Verdict): boolean {
  return isSame(first.messages, second.messages) && isSame(first.pongs, second.pongs);
}
