/**
 * The inside of the package that parses what comes. It has no other name than that of a private field: where a
 * version has none, or another one, nothing is counted and nothing is guarded.
 */
import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { WsReader } from './ws-reader.js';

const RECEIVER = '_receiver';
const UNPARSED = '_bufferedBytes';
const FRAGMENTS = '_messageLength';
/** What every writable stream calls for each chunk. */
const WRITE = '_write';

interface Receiver extends Writable {
  readonly [UNPARSED]?: number;
  readonly [FRAGMENTS]?: number;
}

function receiverOf(ws: WebSocket): Receiver | null | undefined {
  return (ws as { readonly [RECEIVER]?: Receiver | null })[RECEIVER];
}

/** Bytes of what is unfinished that it holds, and that are held in front of it. */
export function unfinishedIn(ws: WebSocket): number {
  const receiver = receiverOf(ws);
  if (receiver === undefined || receiver === null) return 0;
  return (receiver[UNPARSED] ?? 0) + (receiver[FRAGMENTS] ?? 0) + WsReader.heldFor(receiver);
}

/**
 * Keeps it from what comes behind a fault. While a message is inflated, chunks wait in the stream, which hands on
 * all of them whatever the first one was: the package would find messages in what is void, and end the process
 * with an exception that nobody can catch where the fault has left it between two states.
 */
export function stopAtFault(ws: WebSocket): void {
  const receiver = receiverOf(ws);
  if (receiver === undefined || receiver === null) return;
  const write = receiver[WRITE];
  receiver[WRITE] = (chunk, encoding, done) => {
    if (receiver.errored) done();
    else write.call(receiver, chunk, encoding, done);
  };
}
