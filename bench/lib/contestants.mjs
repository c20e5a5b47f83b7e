/** Who is compared: each server's name, what it is, and how to start it or why it cannot be. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

/** The contestant all others are divided by. */
export const REFERENCE = { tcp: 'expert', ws: 'ws' };

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
    ...native(protocol),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts', ...protocol]),
  ];
}

function overTls() {
  return [
    ...native(['--scheme', 'tls']),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts', '--scheme', 'tls']),
    script('expert', 'node:tls, written by an expert', 'baselines/expert.mjs', ['--tls']),
  ];
}

function overSecureWebSocket() {
  return [
    ...native(['--scheme', 'wss']),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts', '--scheme', 'wss']),
    thePackageWs(['--work', 'echo', '--tls']),
  ];
}

function overTcp({ loadgen, addon }) {
  return [
    ...native(),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts']),
    script('expert', 'node:net, written by an expert', 'baselines/expert.mjs'),
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
    ...native(['--scheme', 'ws', ...args]),
    ours('ours-ts', 'QWormhole, TypeScript backend', ['--backend', 'ts', '--scheme', 'ws', ...args]),
    thePackageWs(args),
    rust('tungstenite', 'tokio-tungstenite on one thread', tungstenite, args),
    work === 'echo'
      ? rust('floor', 'naked poll loop in Rust', loadgen, ['floor', '--wire', 'ws'])
      : { name: 'floor', label: '', javascript: false, reason: 'it only echoes' },
  ];
}

/** The native backend, its sockets on a thread of their own and on the JavaScript thread. */
function native(args = []) {
  const on = (io) => ['--backend', 'native', '--io', io, ...args];
  return [
    ours('ours-native', 'QWormhole, Rust backend, I/O thread', on('threads')),
    ours('ours-inline', 'QWormhole, Rust backend, inline I/O', on('inline')),
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

function rust(name, label, { file, reason }, args) {
  return { name, label, javascript: false, command: file && [file, ...args], reason };
}

function script(name, label, file, args = []) {
  return { name, label, javascript: true, command: [process.execPath, path(file), '--port', '0', ...args] };
}
