/**
 * What is measured, as data. A scenario with a `preset` can be put on a server by the load generator in Rust, whose
 * numbers are its own; one with `js` by clients in JavaScript, whose code is in `loads.mjs` and `replies.mjs`.
 */

/** Most that one connection has under way, bytes: below the high watermark, so that nothing is dropped. */
const MAX_UNDER_WAY = 512 * 1024;

/**
 * @typedef {object} Scenario
 * @property {string} shape
 * @property {'tcp' | 'ws'} wire
 * @property {'echo' | 'fanout'} work what a server does with messages
 * @property {'msg' | 'delivery' | 'visit' | 'handshake' | 'connection'} unit what processor time is counted by
 * @property {string} [preset] the load generator's name for it
 * @property {JsLoad} [js]
 * @property {boolean} [qwh] the protocol qwh, which only QWormhole speaks
 * @property {boolean} [secure] under TLS 1.3 with ECDSA on P-256 and X25519
 * @property {boolean} [deflate] permessage-deflate, no context taken over
 * @property {boolean} [shares] server and load on one core: the only way to see latency without the time
 *   that it takes to wake another core
 * @property {string} [figure] what it is about, where that is not processor time
 * @property {boolean} [free] never pinned
 * @property {boolean} [weighs] garbage is collected before memory is looked at
 * @property {number} [noise] how far apart two runs of the same may be, where that is more than usual
 */

/**
 * @typedef {object} JsLoad
 * @property {'echo' | 'stream' | 'fanout' | 'recovery'} load
 * @property {number} connections
 * @property {number} window messages under way on each connection
 * @property {number} size bytes of a message
 * @property {object} [serverOptions] of ours
 * @property {object} [clientOptions] of ours
 * @property {boolean} [presses] it must meet backpressure
 * @property {'pause' | 'break'} [event] what happens half-way: one subscriber stops reading, or native breaks
 */

const KIB = 1024;
const tcp = { wire: 'tcp', work: 'echo', unit: 'msg' };
const ws = { wire: 'ws', work: 'echo', unit: 'msg' };
const fanout = { wire: 'ws', work: 'fanout', unit: 'delivery' };

const e1 = { load: 'echo', connections: 1, window: 100, size: 64 };
const e2 = { load: 'echo', connections: 50, window: 10, size: 64 };
const e3 = { load: 'echo', connections: 50, window: 10, size: KIB };
const e4 = { load: 'echo', connections: 10, window: 4, size: 64 * KIB };
const ping = { load: 'echo', connections: 1, window: 1, size: 64 };

/** The widest spread is that of large messages: the kernel's memory is most of it. */
const LARGE = { noise: 0.4 };

const LATENCY = 'latencyUs.p50';

const echoes = {
  e1: { js: e1, shape: 'echo, 1 connection x 100 in flight x 64 B' },
  e2: { js: e2, shape: 'echo, 50 connections x 10 in flight x 64 B' },
  e3: { js: e3, shape: 'echo, 50 connections x 10 in flight x 1 KiB' },
  e4: { js: e4, shape: 'echo, 10 connections x 4 in flight x 64 KiB', ...LARGE },
  ping: { js: ping, shape: 'echo, 1 connection, one 64 B message at a time', shares: true, figure: LATENCY },
};

/** The load generator alone calls by TLS: whoever looks at certificates measures that as well. */
const SECURE = { secure: true, js: undefined };

/** Bytes per second that a server takes in on each connection, and how much at once. */
const RATE = { bytesPerSecond: 2_000_000, burstBytes: 16 * KIB };

/** Nothing of a whole window is dropped. */
const ROOMY = { maxQueued: 16 * KIB * KIB };

/** @type {Record<string, Scenario>} */
export const SCENARIOS = {
  ...named('', (echo) => ({ ...tcp, ...echo })),
  paced: {
    ...tcp,
    figure: LATENCY,
    preset: 'paced',
    shape: 'echo, 50 connections, 5,000 messages of 64 B a second at their times',
  },
  churn: { ...tcp, preset: 'churn', shape: 'connect, one 64 B echo, reset; 16 at a time', unit: 'visit' },
  'qwh-e1': { ...tcp, ...echoes.e1, qwh: true, preset: 'qwh-e1', shape: `protocol qwh, ${echoes.e1.shape}` },
  'qwh-e2': { ...tcp, ...echoes.e2, qwh: true, preset: 'qwh-e2', shape: `protocol qwh, ${echoes.e2.shape}` },

  ...named('ws-', (echo) => ({ ...ws, ...echo, shape: `WebSocket ${echo.shape}` })),
  'ws-e1-free': {
    ...ws,
    ...echoes.e1,
    preset: 'ws-e1',
    free: true,
    shape: `WebSocket ${echoes.e1.shape}, not pinned`,
  },
  'ws-paced': {
    ...ws,
    figure: LATENCY,
    preset: 'ws-paced',
    shape: 'WebSocket echo, 50 connections, 5,000 messages of 64 B a second at their times',
  },
  'ws-b1': {
    ...fanout,
    preset: 'ws-b1',
    shape: 'WebSocket fan-out, 500 subscribers x 128 B, 1 publication at a time',
  },
  'ws-b8': {
    ...fanout,
    preset: 'ws-b8',
    shape: 'WebSocket fan-out, 500 subscribers x 128 B, 8 publications at a time',
  },
  'ws-churn': {
    ...ws,
    preset: 'ws-churn',
    shape: 'connect, upgrade, one 64 B echo, close; 16 at a time',
    unit: 'visit',
  },
  'ws-idle-5k': idle('5k', '5,000'),
  'ws-idle-15k': idle('15k', '15,000'),
  'ws-deflate': {
    ...ws,
    js: e3,
    deflate: true,
    shape: `WebSocket with permessage-deflate, ${echoes.e3.shape} of bytes that repeat`,
  },

  'tls-e2': { ...tcp, ...echoes.e2, ...SECURE, preset: 'tls-e2', shape: `TLS ${echoes.e2.shape}` },
  'tls-e3': { ...tcp, ...echoes.e3, ...SECURE, preset: 'tls-e3', shape: `TLS ${echoes.e3.shape}` },
  'tls-e4': { ...tcp, ...echoes.e4, ...SECURE, preset: 'tls-e4', shape: `TLS ${echoes.e4.shape}` },
  'wss-e2': {
    ...ws,
    ...echoes.e2,
    ...SECURE,
    preset: 'wss-e2',
    shape: `WebSocket over TLS ${echoes.e2.shape}`,
  },
  'tls-handshake': {
    ...tcp,
    ...SECURE,
    preset: 'tls-handshake',
    shape: 'connect, full TLS 1.3 handshake, one 64 B echo, reset; 16 at a time',
    unit: 'handshake',
  },

  echo: {
    ...tcp,
    js: { ...e2, connections: 4, window: 64 },
    shape: 'echo, 4 connections x 64 in flight x 64 B',
  },
  stream: {
    ...tcp,
    js: { load: 'stream', connections: 4, window: 0, size: 64, presses: true },
    shape: 'one way, 4 connections, 64 B, as fast as backpressure allows',
  },
  pressed: {
    ...tcp,
    js: {
      load: 'echo',
      connections: 4,
      window: 512,
      size: 16 * KIB,
      presses: true,
      serverOptions: ROOMY,
      clientOptions: ROOMY,
    },
    shape: 'echo, 4 connections x 512 in flight x 16 KiB: more than kernel and high watermark take',
    ...LARGE,
  },
  rated: {
    ...tcp,
    js: { load: 'echo', connections: 4, window: 64, size: KIB, serverOptions: { inboundRate: RATE } },
    shape: 'echo, 4 connections x 64 in flight x 1 KiB; each is allowed 2 MB/s',
  },
  fanout: {
    ...tcp,
    unit: 'delivery',
    js: { load: 'fanout', connections: 51, window: 8, size: 128 },
    shape: 'one publishes, the server broadcasts to fifty others; 128 B, 8 publications at a time',
  },
  slow: {
    ...tcp,
    unit: 'delivery',
    js: { load: 'fanout', connections: 51, window: 8, size: 128, event: 'pause' },
    shape:
      'one publishes, the server broadcasts to fifty others and to one that reads nothing; 128 B, 8 at a time',
  },
  breakdown: {
    ...tcp,
    figure: LATENCY,
    js: {
      load: 'recovery',
      connections: 50,
      window: 1,
      size: 64,
      event: 'break',
      serverOptions: { onNativeFailure: 'migrate' },
      clientOptions: { onNativeFailure: 'migrate', reconnect: { baseMs: 20, capMs: 200 } },
    },
    shape: 'echo, 50 connections; native fails half-way, all come back on TypeScript',
  },
};

function named(prefix, make) {
  const entries = Object.entries(echoes).map(([name, echo]) => [
    `${prefix}${name}`,
    { ...make(echo), preset: `${prefix}${name}` },
  ]);
  return Object.fromEntries(entries);
}

function idle(count, words) {
  const shape = `${words} WebSocket connections held open, weighed after garbage collection`;
  return {
    ...ws,
    preset: `ws-idle-${count}`,
    shape,
    unit: 'connection',
    figure: 'rss.perConnection',
    weighs: true,
  };
}

/** A scenario in JavaScript, with messages of a size of their own: of large ones fewer are under way. */
export function shapeOf(name, size) {
  const { js } = SCENARIOS[name];
  if (size === undefined || size === js.size) return { ...js };
  return { ...js, size, window: Math.min(js.window, Math.max(1, Math.floor(MAX_UNDER_WAY / size))) };
}
