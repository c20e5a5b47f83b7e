/**
 * What every baseline server's script does besides serving: read `--port`, say where it listens in
 * one line of JSON, and end with SIGTERM or with its standard input, so that none outlives its bench.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';

/** Frames longer than this end the connection, in every baseline. */
export const MAX_MESSAGE = 64 << 20;

/** The value of `--port`; 0, the default, takes a free one. */
export function portFromArguments() {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } }, strict: false });
  return Number(values.port);
}

/** The value of `--work`: what a WebSocket server does with messages, `echo` (the default) or `fanout`. */
export function workFromArguments() {
  const { values } = parseArgs({ options: { work: { type: 'string', default: 'echo' } }, strict: false });
  if (values.work === 'echo' || values.work === 'fanout') return values.work;
  throw new Error('--work must be echo or fanout');
}

/**
 * What `node:tls` and `node:https` need for TLS 1.3 with ECDSA on P-256 and X25519, if `--tls` is given; else
 * nothing. The certificate is made here: the load does not look at it.
 */
export async function tlsFromArguments() {
  const { values } = parseArgs({ options: { tls: { type: 'boolean', default: false } }, strict: false });
  return values.tls ? tlsOptions() : undefined;
}

/** The same for whoever has other arguments. */
export async function tlsOptions() {
  const { issue } = await import('../../dist/cli/x509.js');
  const { cert, key } = issue({ name: 'localhost' });
  return { cert, key, minVersion: 'TLSv1.3' };
}

/** Prints the line the bench waits for; SIGUSR2 frees what can be freed, where Node has --expose-gc. */
export function announce(port) {
  const collect = globalThis.gc ?? (globalThis.Bun && (() => globalThis.Bun.gc(true)));
  if (collect) process.on('SIGUSR2', () => collect());
  console.log(JSON.stringify({ listening: port, pid: process.pid }));
  process.on('SIGTERM', () => process.exit(0));
  process.stdin.on('end', () => process.exit(0)).resume();
}

/** Listens with a `node:net` server on loopback and announces it. */
export function serve(server) {
  server.listen(portFromArguments(), '127.0.0.1', () => announce(server.address().port));
}
