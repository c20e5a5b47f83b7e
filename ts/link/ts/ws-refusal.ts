/** Answers that end an opening handshake. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Unsound } from './ws-request.js';

/** How long a refused client may take to read why, ms. */
const PATIENCE_MS = 1000;

/** Writes an HTTP response and closes. */
export function refuseSocket(socket: Duplex, { status, body, headers = [] }: Unsound): void {
  if (!socket.writable) return void socket.destroy();
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  // What it still sends is thrown away: unread bytes would make the system reset the connection, answer and all.
  socket.on('data', () => {});
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
  timer.unref();
  socket.once('end', () => socket.destroy()).once('close', () => clearTimeout(timer));
}
