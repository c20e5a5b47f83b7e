/** Who is compared: each server's name, what it is, and how to start it or why it cannot be. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { runtime } from './runtimes.mjs';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

/** The contestants that all others are divided by: what Node's users have today, and Bun's engine. */
export const REFERENCES = { tcp: ['expert', 'bun'], ws: ['ws', 'bun'] };

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} label
 * @property {boolean} javascript whether its main thread runs JavaScript
 * @property {string[]} [command] program and arguments
 * @property {string} [reason] why there is no command
 */

/**
 * @param {Awaited<ReturnType<typeof import('./build.mjs').build>>} built
 * @param {import('./workloads.mjs').Workload} workload
 * @returns {Contestant[]}
 */
export function contestants(built, workload) {
  if (workload.qwh) return overQwh();
  if (workload.secure) return workload.wire === 'ws' ? overSecureWebSocket() : overTls();
  return workload.wire === 'ws' ? overWebSocket(built, workload.work) : overTcp(built);
}

function overQwh() {
  const protocol = ['--protocol', 'qwh'];
  return [
    ours('ours-native', 'QWormhole, Rust backend', ['--backend', 'native', ...protocol]),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts', ...protocol]),
  ];
}

function overTls() {
  return [
    ours('ours-native', 'QWormhole, Rust backend', ['--backend', 'native', '--scheme', 'tls']),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts', '--scheme', 'tls']),
    script('expert', 'node:tls, written by an expert', 'baselines/expert.mjs', ['--tls']),
  ];
}

function overSecureWebSocket() {
  return [
    ours('ours-native', 'QWormhole, Rust backend', ['--backend', 'native', '--scheme', 'wss']),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts', '--scheme', 'wss']),
    thePackageWs(['--work', 'echo', '--tls']),
  ];
}

function overTcp({ loadgen, addon }) {
  return [
    ours('ours-native', 'QWormhole, Rust backend', ['--backend', 'native']),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts']),
    script('expert', 'node:net, written by an expert', 'baselines/expert.mjs'),
    bun('Bun.listen, written by an expert', 'baselines/bun-tcp.mjs'),
    script('write-per-message', 'node:net, one write per message', 'baselines/write-per-message.mjs'),
    {
      ...script('naive-addon', 'tokio + one call per message', 'baselines/naive-addon/server.mjs', [
        '--addon',
        addon.file,
      ]),
      ...(addon.reason && { command: undefined, reason: addon.reason }),
    },
    rust('floor', 'naked poll loop in Rust', loadgen, ['floor']),
  ];
}

function overWebSocket({ loadgen, tungstenite }, work) {
  const args = ['--work', work];
  return [
    ours('ours-native', 'QWormhole, Rust backend', ['--backend', 'native', '--scheme', 'ws', ...args]),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts', '--scheme', 'ws', ...args]),
    thePackageWs(args),
    bun("Bun's WebSocket server", 'baselines/bun.mjs', args),
    rust('tungstenite', 'tokio-tungstenite on one thread', tungstenite, args),
    work === 'echo'
      ? rust('floor', 'naked poll loop in Rust', loadgen, ['floor', '--wire', 'ws'])
      : { name: 'floor', label: '', javascript: false, reason: 'it only echoes' },
  ];
}

function ours(name, label, args) {
  const built = existsSync(path('../dist/index.js'));
  const contestant = script(name, label, 'servers/qwormhole.mjs', args);
  return built ? contestant : { ...contestant, command: undefined, reason: 'dist/index.js is not built' };
}

function thePackageWs(args) {
  const require = createRequire(import.meta.url);
  try {
    const { version } = require('ws/package.json');
    return script('ws', `ws ${version} ${bufferutil(require)}`, 'baselines/ws.mjs', args);
  } catch {
    return { name: 'ws', label: 'ws', javascript: true, reason: 'bench/node_modules is not installed' };
  }
}

/** Without its built file for this machine it falls back to JavaScript in silence; the label does not. */
function bufferutil(require) {
  try {
    const isNative = String(require('bufferutil').mask).includes('[native code]');
    return isNative ? `with bufferutil ${require('bufferutil/package.json').version}` : 'without bufferutil';
  } catch {
    return 'without bufferutil';
  }
}

function bun(label, file, args = []) {
  const { file: binary, version, reason } = runtime('bun');
  const contestant = script('bun', reason ? label : `${label}, ${version}`, file, args);
  return { ...contestant, command: binary && [binary, ...contestant.command.slice(1)], reason };
}

function rust(name, label, { file, reason }, args) {
  return { name, label, javascript: false, command: file && [file, ...args], reason };
}

function script(name, label, file, args = []) {
  return { name, label, javascript: true, command: [process.execPath, path(file), '--port', '0', ...args] };
}
