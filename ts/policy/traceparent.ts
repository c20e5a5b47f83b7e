/** Trace contexts: the bytes of a HELLO, and `traceparent` of W3C's Trace Context, which has the same in text. */

const TRACE_ID = 16;
const SPAN_ID = 8;
const VERSION = '00';

/** Neither identifier may be zero. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether this is a `traceparent` of version 00. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

/** What a HELLO carries for it. */
export function toTrace(traceparent: string): Uint8Array {
  const [, traceId, spanId, flags] = traceparent.split('-');
  return new Uint8Array(Buffer.from(traceId + spanId + flags, 'hex'));
}

/** The text of what a HELLO carries; nothing where that is no trace context. */
export function toTraceparent(trace: Uint8Array): string | undefined {
  const hex = Buffer.from(trace).toString('hex');
  const [spanAt, flagsAt] = [2 * TRACE_ID, 2 * (TRACE_ID + SPAN_ID)];
  const parts = [VERSION, hex.slice(0, spanAt), hex.slice(spanAt, flagsAt), hex.slice(flagsAt)];
  const text = parts.join('-');
  return isTraceparent(text) ? text : undefined;
}
