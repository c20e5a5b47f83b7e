/** Who is compared: each server's name, what it is, and how to start it or why it cannot be. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

/** The contestant all others are divided by. */
export const REFERENCE = 'expert';

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
 * @returns {Contestant[]}
 */
export function contestants({ loadgen, addon }) {
  return [
    ours('ours-native', 'QWormhole, Rust backend', 'native'),
    ours('ours-ts', 'QWormhole, TypeScript backend', 'ts'),
    script('expert', 'node:net, written by an expert', 'baselines/expert.mjs'),
    script('write-per-message', 'node:net, one write per message', 'baselines/write-per-message.mjs'),
    {
      ...script('naive-addon', 'tokio + one call per message', 'baselines/naive-addon/server.mjs', [
        '--addon',
        addon.file,
      ]),
      ...(addon.reason && { command: undefined, reason: addon.reason }),
    },
    {
      name: 'floor',
      label: 'naked poll loop in Rust',
      javascript: false,
      command: loadgen.file && [loadgen.file, 'floor'],
      reason: loadgen.reason,
    },
  ];
}

function ours(name, label, backend) {
  const built = existsSync(path('../dist/index.js'));
  const contestant = script(name, label, 'servers/qwormhole.mjs', ['--backend', backend]);
  return built ? contestant : { ...contestant, command: undefined, reason: 'dist/index.js is not built' };
}

function script(name, label, file, args = []) {
  return { name, label, javascript: true, command: [process.execPath, path(file), '--port', '0', ...args] };
}
