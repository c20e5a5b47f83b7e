/** Who serves: each server's name, what it is, and how to start it or why it cannot be. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { runtime } from './runtimes.mjs';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const require = createRequire(import.meta.url);

/** The servers that all others are divided by: what Node's users have today, and Bun's engine. */
export const REFERENCES = { tcp: ['net', 'bun'], ws: ['ws', 'bun'] };

/** Ours. */
export const OURS = ['native', 'ts'];

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} label
 * @property {boolean} javascript whether its main thread runs JavaScript
 * @property {boolean} [collects] whether it collects garbage when SIGUSR2 asks for it
 * @property {string | null} [io] the poller, of ours in Rust
 * @property {Record<string, string>} [env]
 * @property {string[]} [command] program and arguments
 * @property {string} [reason] why there is no command
 */

/**
 * The servers for a load from the load generator.
 * @param {Awaited<ReturnType<typeof import('./build.mjs').build>>} built
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {{ io: string, reason?: string }[]} pollers
 * @returns {Contestant[]}
 */
export function contestants(built, scenario, pollers) {
  const { wire, secure, qwh, work } = scenario;
  const args = ['--scheme', SCHEMES[wire][Number(secure ?? false)], '--work', work];
  if (qwh) args.push('--protocol', 'qwh');
  return [...ours(args, pollers), ...others(built, scenario)];
}

const SCHEMES = { tcp: ['tcp', 'tls'], ws: ['ws', 'wss'] };

function others(built, { wire, secure, qwh, work, weighs, deflate }) {
  if (qwh) return [];
  if (deflate) return [thePackageWs(['--work', work, '--deflate'])];
  if (secure && wire === 'ws')
    return [thePackageWs, thePackageWsAlone].map((contestant) => contestant(['--work', work, '--tls']));
  if (secure) return [script('net', 'node:tls, written by an expert', 'baselines/expert.mjs', ['--tls'])];
  return wire === 'ws' ? overWebSocket(built, work, weighs) : overTcp(built);
}

function overTcp({ loadgen, addon }) {
  return [
    script('net', 'node:net, written by an expert', 'baselines/expert.mjs'),
    script('net-naive', 'node:net, one write per message', 'baselines/write-per-message.mjs'),
    foreign('bun', 'Bun.listen, written by an expert', [], 'baselines/bun-tcp.mjs'),
    {
      ...script('naive-addon', 'tokio + one call per message', 'baselines/naive-addon/server.mjs', [
        '--addon',
        addon.file,
      ]),
      ...(addon.reason && { command: undefined, reason: addon.reason }),
    },
    floor(loadgen, 'tcp'),
  ];
}

function overWebSocket({ loadgen, tungstenite }, work, weighs) {
  const args = ['--work', work];
  const servers = [
    thePackageWs(args),
    thePackageWsAlone(args),
    foreign('bun', "Bun's WebSocket server", [], 'baselines/bun.mjs', args),
    foreign('deno', "Deno's WebSocket server", ['run', '--allow-all'], 'baselines/deno.mjs', args),
    // A buffer of 128 KiB for each connection: 15,000 of them are more than the machine has.
    weighs
      ? { name: 'tungstenite', label: '', javascript: false, reason: 'it takes 128 KiB for each connection' }
      : rust('tungstenite', 'tokio-tungstenite on one thread', tungstenite, args),
  ];
  if (work === 'echo') return [...servers, floor(loadgen, 'ws')];
  return [...servers, { name: 'rust', label: '', javascript: false, reason: 'the naked loop only echoes' }];
}

/** The least that any server has to do. */
export function floor(loadgen, wire) {
  return rust('rust', 'naked poll loop in Rust', loadgen, ['floor', '--wire', wire]);
}

/** Our server in each way that it can be had. */
function ours(args, pollers) {
  const file = 'servers/qwormhole.mjs';
  const native = pollers.map(({ io, reason }) => ({
    ...script('native', `QWormhole, Rust backend, ${io}`, file, ['--backend', 'native', ...args]),
    env: { QWORMHOLE_IO: io },
    io,
    ...(reason && { command: undefined, reason }),
  }));
  const ts = script('ts', 'QWormhole, TypeScript backend', file, ['--backend', 'ts', ...args]);
  if (existsSync(path('../dist/index.js'))) return [...native, ts];
  return [...native, ts].map((each) => ({ ...each, command: undefined, reason: 'dist/ is not built' }));
}

/** Node's packages as servers, for clients of their own. */
export function messagingServer(name) {
  const scriptOf = { 'socket.io': 'baselines/socket-io.mjs', zeromq: 'baselines/zeromq.mjs' }[name];
  return packaged(name, scriptOf);
}

function packaged(name, file, args = []) {
  try {
    const { version } = require(`${name}/package.json`);
    return script(name, `${name} ${version}`, file, args);
  } catch {
    return { name, label: name, javascript: true, reason: `${name} is not installed in bench/node_modules` };
  }
}

function thePackageWs(args) {
  const contestant = packaged('ws', 'baselines/ws.mjs', args);
  return contestant.reason ? contestant : { ...contestant, label: `${contestant.label} ${bufferutil()}` };
}

/** As our TypeScript backend runs: without native code. */
function thePackageWsAlone(args) {
  const contestant = packaged('ws', 'baselines/ws.mjs', [...args, '--plain']);
  return { ...contestant, name: 'ws-plain', label: `${contestant.label} without bufferutil` };
}

/** Without its built file for this machine it falls back to JavaScript in silence; the label does not. */
function bufferutil() {
  try {
    const isNative = String(require('bufferutil').mask).includes('[native code]');
    return isNative ? `with bufferutil ${require('bufferutil/package.json').version}` : 'without bufferutil';
  } catch {
    return 'without bufferutil';
  }
}

/** A script for another runtime than Node. */
function foreign(name, label, flags, file, args = []) {
  const { file: binary, version, reason } = runtime(name);
  const contestant = script(name, reason ? label : `${label}, ${version}`, file, args);
  const command = binary && [binary, ...flags, ...contestant.command.slice(1)];
  return { ...contestant, command, reason, collects: name === 'bun' };
}

function rust(name, label, { file, reason }, args) {
  return { name, label, javascript: false, command: file && [file, ...args], reason };
}

function script(name, label, file, args = []) {
  const command = [process.execPath, path(file), '--port', '0', ...args];
  return { name, label, javascript: true, collects: true, command };
}
