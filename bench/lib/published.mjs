/**
 * Figures measured earlier, elsewhere in time, as orientation beside a fresh comparison: processor
 * time of the server per message in microseconds, or bytes per connection where memory is weighed;
 * medians of three, on a quiet 2-core Linux VM with Node 20.20, pinned as here.
 */

/** What `qwormhole-loadgen pair` read on that machine at that time. */
export const PAIR_US = 2.0;

const ANY = {
  'node:net, one write per message': '1.3-3.1',
  'naive addon, one call per message': '3.9-8.0',
};

const ROWS = {
  e1: {
    'floor, naked epoll in Rust': '0.34',
    tokio: '0.32',
    'Bun.listen': '0.52',
    'node:net, written by an expert': '0.57',
    ...ANY,
  },
  e2: {
    'floor, naked epoll in Rust': '0.37',
    tokio: '0.38',
    'Bun.listen': '0.69',
    'node:net, written by an expert': '0.79',
    ...ANY,
  },
  e3: {
    'floor, naked epoll in Rust': '0.48',
    tokio: '0.54',
    'Bun.listen': '1.17',
    'node:net, written by an expert': '1.45',
  },
  e4: {
    'floor, naked epoll in Rust': '16.5',
    tokio: '16',
    'Bun.listen': '35',
    'node:net, written by an expert': '39-67',
  },
};

/** WebSocket servers without compression; `ws` with bufferutil, uWebSockets in Node without TLS. */
const WEBSOCKET = [
  'floor, naked epoll in Rust',
  'tokio-tungstenite',
  'Bun',
  'uWebSockets in Node',
  'fastwebsockets',
  'Deno',
  'ws',
];

const WEBSOCKET_ROWS = {
  'ws-e1': ['0.39', '0.49', '0.46', '0.81', '2.1', '3.7', '4.1'],
  'ws-e2': ['0.39', '1.2', '0.52', '0.90', '2.7', '4.9', '6.2'],
  'ws-e3': ['0.51', '1.4', '0.98', '1.01', '3.6', '7.0', '7.1'],
  'ws-e4': ['21', '29', '26', '21', '20', '53', '49'],
  'ws-b1': [undefined, '2.0', '2.6', '2.65', '1.9', '2.5', '4.2'],
  'ws-b8': [undefined, '0.50', '0.37', '0.36', '2.3', '3.9', '4.75'],
  'ws-churn': ['16', '70', '27', '26', '25', '61', '151'],
  'ws-idle': ['270', '137000', '2600', '1400', undefined, undefined, '10300'],
};

/** Label and figure of each published row of a scenario. */
export function published(scenario) {
  const rows = Object.hasOwn(WEBSOCKET_ROWS, scenario)
    ? WEBSOCKET.map((label, index) => [label, WEBSOCKET_ROWS[scenario][index]])
    : Object.entries(ROWS[scenario] ?? {});
  return rows.filter(([, figure]) => figure !== undefined).map(([label, figure]) => ({ label, figure }));
}
