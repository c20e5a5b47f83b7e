/**
 * What is tested beyond `npm test`, in named tiers: `node scripts/tiers.mjs [autobahn ...]`, all of them without
 * arguments. Each installs what it needs, from the system's packages where it runs as root.
 */
import { existsSync } from 'node:fs';

import { Checks } from './lib/checks.mjs';
import { main, openly, outputOf, quietly, StepError } from './lib/run.mjs';

const TIERS = {
  /** WebSocket against the standard: some two minutes, the builds aside. */
  async autobahn(checks) {
    await checks.run('Autobahn, quick', () => script('autobahn.mjs', '--quick'));
  },
  /** Hostile peers, those that take minutes or come by thousands as well: some ten minutes. */
  async attack(checks) {
    await checks.run('attacks', () => script('attack.mjs', '--long'));
  },
  /** What our TLS accepts: seconds. */
  async tls(checks) {
    await checks.run('scan of TLS', () => script('tls-scan.mjs'));
  },
  /** What the Rust paths of a message cost, in instructions: some two minutes, most of them a build. */
  async instructions(checks) {
    if (outputOf('cargo', ['--version']) === undefined) return checks.skip('instructions', 'no cargo');
    await checks.run('instructions', async () => {
      await installValgrind();
      script('instructions.mjs');
    });
  },
  /** Threads in thousands of orders: half a minute, most of it a build. */
  async model(checks) {
    if (outputOf('cargo', ['--version']) === undefined) return checks.skip('models', 'no cargo');
    await checks.run('models', () => script('sanitize.mjs', 'model'));
  },
  /** What a message leaves to the garbage collector: seconds, after a build. */
  async garbage(checks) {
    await checks.run('garbage', () => {
      script('build.mjs');
      script('garbage.mjs');
    });
  },
  /** What is left behind by connections, threads and traffic: some five minutes. */
  async soak(checks) {
    await checks.run('soak', () => {
      openly('soak', process.execPath, [
        'bench/soak.mjs',
        '--rounds',
        '20',
        '--clients',
        '500',
        '--minutes',
        '1',
      ]);
    });
  },
  /** Licences, sources and known vulnerabilities: seconds. */
  async 'supply-chain'(checks) {
    await checks.run('supply chain', () => script('supply-chain.mjs'));
  },
  /** What users install, on every runtime: a minute, with what it is tried on. */
  async package(checks) {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      return checks.skip('package', 'Linux on x64 alone');
    await checks.run('package', () => {
      script('build.mjs');
      script('package-test.mjs');
    });
  },
  /** Programs that others wrote as peers, over WebSocket and TLS: some two minutes. */
  async foreign(checks) {
    await checks.run('foreign programs', () => script('foreign.mjs'));
  },
};

/** Python's virtual environments are a package of their own on Debian. */
async function installPython() {
  if (outputOf('python3', ['-c', 'import venv, ensurepip']) !== undefined) return 'all there';
  return await install('python3 with the module venv', ['python3', 'python3-venv']);
}

async function installValgrind() {
  if (outputOf('valgrind', ['--version']) === undefined) await install('valgrind', ['valgrind', 'libc6-dbg']);
}

async function install(what, packages) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new StepError(`${what} is needed, and only root can install it.`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await quietly('Package lists', 'apt-get', ['update', '-qq'], env);
  const options = ['install', '-y', '-qq', '--no-install-recommends'];
  await quietly(`Installing ${what}`, 'apt-get', [...options, ...packages], env);
}

function script(name, ...args) {
  openly(name, process.execPath, [`scripts/${name}`, ...args]);
}

await main(async () => {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !Object.hasOwn(TIERS, name));
  if (unknown !== undefined) throw new StepError(`There are the tiers ${Object.keys(TIERS).join(', ')}.`);
  const checks = new Checks();
  await checks.run('Python', installPython);
  for (const name of wanted.length > 0 ? wanted : Object.keys(TIERS)) await TIERS[name](checks);
  checks.summarise();
});
