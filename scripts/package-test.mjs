/**
 * What users install, as they install it: packs the packages, installs them into an empty project from a registry on
 * loopback, where there is no compiler, and exchanges messages on every runtime; bundles them, and lets linters of
 * packages look at them. Prints a table. `npm run test:package`, after a build.
 */
import { copyFileSync, cpSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bundlers } from '../test/package/bundlers.mjs';
import { Project } from '../test/package/project.mjs';
import { registry } from '../test/package/registry.mjs';
import { runtimes } from '../test/package/runtimes.mjs';
import { Checks } from './lib/checks.mjs';
import { mainManifest, platformManifest, platforms } from './lib/package.mjs';
import { at } from './lib/root.mjs';
import { main, outputOf, quietly, StepError } from './lib/run.mjs';
import { table } from './lib/text.mjs';
import { packAll, PACKAGES } from './pack.mjs';

const TOOLS = at('.cache', 'package-tools');
const MODULES = join(TOOLS, 'node_modules');
const SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];
/** Every import of ours by `require` gives an ES module: that is meant, and Node has it from 20.19 on. */
const ATTW = ['--profile', 'esm-only'];

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** The linters, bundlers and runtimes, as test/package/package.json pins them; a platform may lack runtimes. */
async function installTools() {
  mkdirSync(TOOLS, { recursive: true });
  copyFileSync(at('test/package/package.json'), join(TOOLS, 'package.json'));
  const args = ['install', '--prefix', TOOLS, '--ignore-scripts', '--no-audit', '--no-fund'];
  await quietly('Installing runtimes and bundlers', 'npm', args);
}

/** All that the registry knows. */
function packages() {
  const { tarballs } = packAll();
  const isOf = (name) => (tarball) => tarball.endsWith(`${name}-${mainManifest().version}.tgz`);
  const dependencies = Object.keys(mainManifest().dependencies).map((name) => {
    return { manifest: read(at('node_modules', name, 'package.json')), tarball: packInstalled(name) };
  });
  const each = platforms().map((platform) => {
    const manifest = platformManifest(platform);
    return { manifest, tarball: tarballs.find(isOf(manifest.name)) };
  });
  return {
    main: tarballs.at(-1),
    all: [{ manifest: mainManifest(), tarball: tarballs.at(-1) }, ...each, ...dependencies],
  };
}

/** A dependency as it is installed here. */
function packInstalled(name) {
  const tarball = join(PACKAGES, `${name}.tgz`);
  // A copy: pnpm links files that are alike, and npm unpacks no links.
  const copies = join(PACKAGES, 'copies');
  cpSync(realpathSync(at('node_modules', name)), join(copies, name), { recursive: true });
  // npm takes the first directory in it for the package, whatever it is called.
  if (outputOf('tar', ['-czf', tarball, '-C', copies, name]) === undefined)
    throw new StepError(`tar cannot pack ${name}.`);
  return tarball;
}

function assert(isTrue, message) {
  if (!isTrue) throw new StepError(message);
}

/** What a program said in its last line; the message must have come back. */
function outcome({ stdout, stderr }, expected) {
  const said = JSON.parse(stdout.trim().split('\n').at(-1));
  assert(JSON.stringify(said.message) === JSON.stringify(expected), `another message came back: ${stdout}`);
  assert(said.isOneCopy !== false, 'require and import give two copies');
  return { ...said, stderr };
}

const EXCHANGED = { there: true, back: true };
const NEVER = { QWORMHOLE_NATIVE: '0' };

/** The columns of the table: what is run, in which project, and what must be. */
const COLUMNS = [
  { title: 'import', args: ['exchange.mjs', 'tcp'] },
  { title: 'require', args: ['exchange.cjs'] },
  { title: 'ws://', args: ['exchange.mjs', 'ws'] },
  { title: 'unix://', args: ['exchange.mjs', 'unix'] },
  { title: 'QWORMHOLE_NATIVE=0', args: ['exchange.mjs', 'tcp'], env: NEVER, mode: 'ts' },
  { title: 'the same, ws://', args: ['exchange.mjs', 'ws'], env: NEVER, mode: 'ts' },
  { title: 'no addon installed', args: ['exchange.mjs', 'tcp'], bare: true, mode: 'ts' },
];

/** One cell: the backend in use, and on TypeScript why, for the notes below the table. */
async function cell(runtime, column, projects, notes) {
  const { file, args, mustBeNative, name } = runtime;
  const project = column.bare ? projects.bare : projects.full;
  const { mode, reason } = outcome(await project.run(file, [...args, ...column.args], column.env), EXCHANGED);
  const wanted = column.mode ?? (mustBeNative ? 'native' : mode);
  assert(mode === wanted, `${name}, ${column.title}: on ${mode}, not on ${wanted} (${reason})`);
  assert(mode === 'native' || reason !== '', `${name}, ${column.title}: no reason is given for TypeScript`);
  if (mode === 'ts' && column.mode === undefined) notes.add(`${name}: ${reason}`);
  return mode;
}

async function row(runtime, projects, notes) {
  const { name, version, reason } = runtime;
  if (reason !== undefined) return [name, ...COLUMNS.map(() => `none here (${reason})`)];
  const cells = [];
  for (const column of COLUMNS) {
    try {
      cells.push(await cell(runtime, column, projects, notes));
    } catch (error) {
      console.error(`${name}, ${column.title}: ${error.message}`);
      cells.push('FAILED');
    }
  }
  return [`${name.split(' ')[0]} ${version}`, ...cells];
}

async function matrix(projects) {
  const notes = new Set();
  const rows = [];
  for (const runtime of runtimes(MODULES)) rows.push(await row(runtime, projects, notes));
  console.log(`\n${table(['Runtime', ...COLUMNS.map(({ title }) => title)], rows)}\n`);
  for (const note of notes) console.log(`TypeScript on ${note}`);
  assert(!rows.flat().includes('FAILED'), 'A runtime failed.');
  const ran = rows.filter(([, first]) => !first.startsWith('none'));
  assert(ran.length > 0, 'There is no runtime.');
  return `${ran.length} runtimes`;
}

async function bundle(projects) {
  const rows = [];
  for (const { name, bundle: make } of bundlers(MODULES)) {
    for (const isInside of [false, true]) {
      const file = await make(projects.full.directory, isInside);
      const { mode, reason } = outcome(await projects.full.run(process.execPath, [file]), 'bundled');
      assert(mode === 'native', `${name}: the addon beside a bundle is not found (${reason})`);
      // Where nothing is installed: only what is in the bundle.
      const alone = isInside ? await aloneWith(file, projects.full) : '–';
      rows.push([name, isInside ? 'in the bundle' : 'external', mode, alone]);
    }
  }
  console.log(`\n${table(['Bundler', 'qwormhole', 'beside node_modules', 'elsewhere'], rows)}\n`);
}

/** A bundle without any node_modules goes on with TypeScript, and says what would help. */
async function aloneWith(file, { directory }) {
  const project = new Project();
  // With its chunks, where there are some.
  cpSync(dirname(file), project.directory, { recursive: true });
  const copy = join(project.directory, basename(file));
  // webpack writes the path of the sources into its bundle: they are away, as on another machine.
  const [modules, away] = [join(directory, 'node_modules'), join(directory, 'away')];
  renameSync(modules, away);
  const ran = await project.run(process.execPath, [copy]).finally(() => renameSync(away, modules));
  const { mode, stderr } = outcome(ran, 'bundled');
  rmSync(project.directory, { recursive: true });
  assert(
    mode === 'ts' && stderr.includes('external'),
    `a bundle elsewhere does not say what helps: ${stderr}`,
  );
  return 'ts, with the cure';
}

await main(async () => {
  const checks = new Checks();
  await installTools();
  const { main: tarball, all } = packages();
  const place = await registry(all);
  const projects = { full: new Project(), bare: new Project() };
  await checks.run('install', async () => {
    const ms = await projects.full.install(place.url);
    await projects.bare.install(place.url, '--omit=optional');
    const { installed } = projects.full;
    const addons = installed.filter((name) => name.startsWith('qwormhole-'));
    assert(addons.length === 1, `installed for this platform: ${addons.join(', ') || 'nothing'}`);
    assert(
      !projects.bare.installed.some((name) => name.startsWith('qwormhole-')),
      'an addon in spite of --omit',
    );
    for (const { manifest } of all) {
      const script = SCRIPTS.find((name) => manifest.scripts?.[name] !== undefined && name !== 'prepare');
      assert(script === undefined, `${manifest.name} has the script ${script}`);
    }
    return `${installed.join(', ')} in ${(ms / 1000).toFixed(1)} s, from loopback alone`;
  });
  await checks.run('runtimes', () => matrix(projects));
  await checks.run('bundlers', () => bundle(projects));
  await checks.run('publint', () => lint('publint', ['run', tarball, '--strict']));
  await checks.run('are the types wrong', () => lint('attw', [tarball, ...ATTW]));
  place.close();
  for (const { directory } of Object.values(projects)) rmSync(directory, { recursive: true });
  checks.summarise();
});

async function lint(name, args) {
  await quietly(name, join(MODULES, '.bin', name), args);
}
