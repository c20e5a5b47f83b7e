/** HTTP servers, requests as bytes, and answers as text. */
import { createServer, get, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { RawPeer } from './raw-peer.js';
import { cleanUp } from './scene.js';
import { next, until } from './wait.js';

/** An HTTP server of somebody else, which says hello. */
export async function httpServer(): Promise<{ http: Server; url: string }> {
  const http = createServer((_request, response) => response.end('hello'));
  http.listen(0, '127.0.0.1');
  await next(http, 'listening');
  cleanUp(() => (http.closeAllConnections(), http.close()));
  return { http, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

/** What it answers to those who want no WebSocket. */
export function textOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url.replace('ws:', 'http:'), (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk))).on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** A peer that begins with these bytes and knows what an answer to a handshake is. */
export function rawCall(url: string, bytes: string | Buffer): RawPeer {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
  const peer = new RawPeer(socket, 'ws-client');
  cleanUp(() => peer.destroy());
  peer.write(bytes);
  return peer;
}

/** Sends some bytes to an endpoint and gives what comes back until the other side closes. */
export async function exchange(url: string, bytes: string | Buffer, timeoutMs = 5000): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  cleanUp(() => socket.destroy());
  let answer = '';
  let isOver = false;
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.on('error', () => {});
  socket.on('close', () => (isOver = true));
  socket.write(bytes);
  await until(() => isOver, 'the end of the answer', timeoutMs);
  return answer;
}

/** The status of an answer; 0 for none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
