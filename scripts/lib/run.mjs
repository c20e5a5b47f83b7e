/** Runs programs: quietly, with a sign of life, and with their output only where they fail; or in the open. */
import { spawn, spawnSync } from 'node:child_process';
import { root } from './root.mjs';

/** How often a long step shows that it lives where there is no terminal, ms. */
export const SIGN_OF_LIFE = 15_000;
/** How much of a failed program's output is shown, lines: enough for the error, not for the whole log. */
const SHOWN_LINES = 80;

/** A step that cannot go on; its message is for people, and no stack is shown for it. */
export class StepError extends Error {}

const options = (env) => ({
  cwd: root,
  env: { ...process.env, ...env },
  // Shims of npm packages are .cmd files on Windows, which only a shell runs.
  shell: process.platform === 'win32',
});

/**
 * Runs a program without showing its output and resolves with it. On a terminal the latest line is shown
 * while it runs; elsewhere a line from time to time. Rejects with the end of the output.
 */
export async function quietly(title, command, args, env = {}) {
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  console.log(`${title} …`);
  const status = statusLine(seconds);
  const { code, output } = await collect(command, args, env, status.update);
  status.end();
  if (code !== 0) {
    const end = output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
    throw new StepError(`${end}\n\n${title}: failed (${[command, ...args].join(' ')})`);
  }
  console.log(`${title}: done in ${seconds()}`);
  return output;
}

/** Runs a program that talks to the user itself; rejects when it fails. */
export function openly(title, command, args, env = {}) {
  console.log(`${title} …`);
  const { status, error, signal } = spawnSync(command, args, { ...options(env), stdio: 'inherit' });
  if (status === 0) return;
  const reason = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`);
  throw new StepError(`${title}: failed (${reason})`);
}

/** What a program prints, or `undefined` when it cannot be run or fails. */
export function outputOf(command, args) {
  const { status, stdout } = spawnSync(command, args, { ...options(), encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Runs the main function of a script: faults end it with exit code 1, without a stack where they are expected. */
export async function main(script) {
  try {
    await script();
  } catch (error) {
    console.error(error instanceof StepError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

function collect(command, args, env, onLine) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options(env), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk) => {
      output += chunk;
      onLine(output.slice(-500).trimEnd().split('\n').at(-1));
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', (error) => resolve({ code: 1, output: `${output}\n${error.message}` }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

function statusLine(seconds) {
  let latest = '';
  const { isTTY, columns = 80 } = process.stdout;
  const show = (text) => process.stdout.write(`\r\u001b[K${text.slice(0, columns - 1)}`);
  const timer = setInterval(() => console.log(`  still at it after ${seconds()}: ${latest}`), SIGN_OF_LIFE);
  if (isTTY) clearInterval(timer);
  return {
    update(line) {
      // Colours and cursor movements of the program would spoil the line.
      // oxlint-disable-next-line no-control-regex
      latest = line.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').trim();
      if (isTTY) show(`  ${seconds()}  ${latest}`);
    },
    end() {
      clearInterval(timer);
      if (isTTY) show('');
    },
  };
}
