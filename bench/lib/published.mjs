/**
 * Figures measured earlier, elsewhere in time, as orientation beside a fresh comparison: processor
 * time of the server per message in microseconds, medians of three, on a quiet 2-core Linux VM with
 * Node 20.20, pinned as here.
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

/** Label and figure of each published row of a scenario. */
export function published(scenario) {
  return Object.entries(ROWS[scenario]).map(([label, cpuUs]) => ({ label, cpuUs }));
}
