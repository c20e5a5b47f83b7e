/**
 * What is read and thrown away, behind our own end: its memory goes back at once. Left to the collector, which comes
 * when tens of megabytes wait for it, a flood would leave the allocator with as many in pieces, that it does not give
 * back to the system.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** A message to nobody takes what is transferred with it, and frees it. */
let nobody: MessagePort | undefined;

/** Whether what it reads is nobody else's: a stream that somebody has put in a socket's place may keep what it gives. */
export function ownsChunks(stream: Duplex): boolean {
  return stream instanceof Socket;
}

/** Frees all that is read from now on. */
export function discardRest(stream: Duplex): void {
  if (ownsChunks(stream)) stream.on('data', discard);
}

/** Frees a chunk of a socket, of which there must not be any view that somebody will look at. */
export function discard(chunk: Buffer): void {
  const { buffer } = chunk;
  // A part of something larger is not ours alone, and one without bytes may be freed already.
  if (chunk.length === 0 || chunk.length !== buffer.byteLength) return;
  nobody ??= closedPort();
  nobody.postMessage(undefined, [buffer as ArrayBuffer]);
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
