/** The Autobahn TestSuite: installed once into the cache, run against one testee. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { cache, PIP, virtualEnvironment } from './python.mjs';
import { at } from './root.mjs';
import { quietly } from './run.mjs';

const HOME = at('test', 'autobahn');
const LIBRARY = cache('autobahn', 'library');

/** Messages of 12.* and 13.* above 8 KiB, which take most of the suite's time. */
const LARGE = [7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18];
const GROUPS = [
  [12, 5],
  [13, 7],
];

/** How much of the suite is run: patterns that are left out, and how long it may take at most, ms. */
export const MODES = {
  quick: { exclude: ['9.*', '12.*', '13.*'], limitMs: 5 * 60_000 },
  medium: { exclude: GROUPS.flatMap(([group, sets]) => largeCases(group, sets)), limitMs: 20 * 60_000 },
  full: { exclude: [], limitMs: 90 * 60_000 },
};

function largeCases(group, sets) {
  return Array.from({ length: sets }, (_, set) =>
    LARGE.map((number) => `${group}.${set + 1}.${number}`),
  ).flat();
}

/** Installs what is missing. Returns the interpreter that runs the suite. */
export function installSuite() {
  const [requirements, sources, convert] = ['requirements.txt', 'sources.txt', 'convert.py'].map((file) =>
    join(HOME, file),
  );
  return virtualEnvironment('autobahn', requirements, [sources, convert], async (python) => {
    const archives = cache('autobahn', 'sources');
    rmSync(archives, { recursive: true, force: true });
    const fetch = ['download', '--no-deps', '--no-binary', ':all:', '--require-hashes', '-r', sources];
    await quietly('Fetching the Autobahn TestSuite', python, ['-m', 'pip', ...PIP, ...fetch, '-d', archives]);
    await quietly('Converting the Autobahn TestSuite', python, ['-W', 'ignore', convert, archives, LIBRARY]);
  });
}

/**
 * Runs the suite against one testee.
 * @param {{ python: string, mode: keyof typeof MODES, cases: string, role: 'server' | 'client',
 *   name: string, command: (tail: string[]) => string[] }} what the testee's role, name and command line
 * @returns {Promise<{ seconds: number, fault: string | null, complaint: string, cases: { id: string,
 *   behavior: string, close: string, why: string }[] }>}
 */
export async function runSuite(what) {
  const report = cache('autobahn', 'reports', `${what.name}-${what.role}`);
  rmSync(report, { recursive: true, force: true });
  mkdirSync(report, { recursive: true });
  const run = what.role === 'server' ? testServer : testClient;
  try {
    const said = await run(what, report);
    return { ...JSON.parse(readFileSync(join(report, 'results.json'), 'utf8')), complaint: complaint(said) };
  } catch (error) {
    // A testee that does not start fails by itself: the others are still of interest.
    return { seconds: 0, fault: error.message.trim(), complaint: '', cases: [] };
  }
}

async function testServer(what, report) {
  const { limitMs } = MODES[what.mode];
  const testee = new Child(what.command([]));
  try {
    const { listening } = await testee.line();
    const suite = new Child(suiteCommand(what, 'client', report, `ws://127.0.0.1:${listening}/`, what.name));
    await suite.end(limitMs);
    return testee.said + suite.said;
  } finally {
    await testee.kill();
  }
}

async function testClient(what, report) {
  const suite = new Child(suiteCommand(what, 'server', report));
  try {
    const { listening } = await suite.line();
    const testee = new Child(what.command([`ws://127.0.0.1:${listening}`, what.name]));
    await testee.end(MODES[what.mode].limitMs);
    // The testee has told it to stop; where it could not, the results so far still count.
    suite.stop();
    await suite.end(MODES.quick.limitMs);
    return testee.said + suite.said;
  } finally {
    await suite.kill();
  }
}

function suiteCommand({ python, mode, cases }, role, report, ...target) {
  const { exclude } = MODES[mode];
  const choice = ['--library', LIBRARY, '--cases', cases, '--exclude', exclude.join(',')];
  return [python, join(HOME, 'suite.py'), role, report, ...target, ...choice];
}

/** The line of a program's words that says what is wrong, if one does. */
function complaint(said) {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /^\s*\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
}

/** How much of a program's words is kept, characters. */
const KEPT = 4000;

/** A program under way. */
class Child {
  #child;
  #ended;
  /** The end of what it said on its error output. */
  said = '';

  constructor([program, ...args]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.said = (this.said + text).slice(-KEPT);
    });
    this.#ended = once(this.#child, 'close').catch((error) => {
      this.said += error.message;
    });
  }

  /** Its first line, parsed. */
  async line() {
    const lines = createInterface({ input: this.#child.stdout });
    const first = await Promise.race([once(lines, 'line'), this.#ended.then(() => undefined)]);
    // What it may print besides must not fill the pipe.
    this.#child.stdout.resume();
    if (!Array.isArray(first) || typeof first[0] !== 'string')
      throw new Error(`It ended before it was ready. ${complaint(this.said)}`);
    return JSON.parse(first[0]);
  }

  /** Resolves when it is over; makes it so after `limitMs`. */
  async end(limitMs) {
    this.#child.stdout.resume();
    const timer = setTimeout(() => {
      this.said += `ended after ${limitMs / 60_000} minutes`;
      this.stop();
    }, limitMs);
    await this.#ended;
    clearTimeout(timer);
  }

  stop() {
    this.#child.kill('SIGTERM');
  }

  async kill() {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
