/**
 * What `compare.mjs` can put on a server, in words and in what it needs of the servers; the numbers
 * themselves are the load generator's.
 */

/**
 * @typedef {object} Workload
 * @property {string} shape
 * @property {'tcp' | 'ws'} wire
 * @property {boolean} [qwh] the protocol qwh, which only QWormhole speaks
 * @property {boolean} [secure] under TLS 1.3 with ECDSA on P-256 and X25519
 * @property {'echo' | 'fanout'} work what the server does with messages
 * @property {'msg' | 'delivery' | 'visit' | 'handshake' | 'connection'} unit what processor time is counted by
 * @property {boolean} [shares] server and load on one core: the only way to see latency without the time
 *   that it takes to wake another core
 * @property {boolean} [weighs] memory is what is measured
 */

const tcp = { wire: 'tcp', work: 'echo', unit: 'msg' };
const ws = { wire: 'ws', work: 'echo', unit: 'msg' };
const fanout = { wire: 'ws', work: 'fanout', unit: 'delivery' };

const ECHO = {
  e1: 'echo, 1 connection x 100 in flight x 64 B',
  e2: 'echo, 50 connections x 10 in flight x 64 B',
  e3: 'echo, 50 connections x 10 in flight x 1 KiB',
  e4: 'echo, 10 connections x 4 in flight x 64 KiB',
};
const PING = 'echo, 1 connection, one 64 B message at a time';

/** @type {Record<string, Workload>} */
export const WORKLOADS = {
  ...Object.fromEntries(Object.entries(ECHO).map(([name, shape]) => [name, { ...tcp, shape }])),
  ...Object.fromEntries(
    ['e1', 'e2'].map((name) => [`qwh-${name}`, { ...tcp, qwh: true, shape: `protocol qwh, ${ECHO[name]}` }]),
  ),
  ping: { ...tcp, shape: PING, shares: true },
  ...Object.fromEntries(
    Object.entries(ECHO).map(([name, shape]) => [`ws-${name}`, { ...ws, shape: `WebSocket ${shape}` }]),
  ),
  'ws-ping': { ...ws, shape: `WebSocket ${PING}`, shares: true },
  'ws-b1': { ...fanout, shape: 'WebSocket fan-out, 500 subscribers x 128 B, 1 publication at a time' },
  'ws-b8': { ...fanout, shape: 'WebSocket fan-out, 500 subscribers x 128 B, 8 publications at a time' },
  'ws-churn': { ...ws, shape: 'connect, upgrade, one 64 B echo, close; 16 at a time', unit: 'visit' },
  ...Object.fromEntries(
    ['e2', 'e3', 'e4'].map((name) => [`tls-${name}`, { ...tcp, secure: true, shape: `TLS ${ECHO[name]}` }]),
  ),
  'wss-e2': { ...ws, secure: true, shape: `WebSocket over TLS ${ECHO.e2}` },
  'tls-handshake': {
    ...tcp,
    secure: true,
    shape: 'connect, full TLS 1.3 handshake, one 64 B echo, reset; 16 at a time',
    unit: 'handshake',
  },
  'ws-idle': { ...ws, shape: '10,000 WebSocket connections held open', unit: 'connection', weighs: true },
};
