/** The packages that users install: the main one without an addon, and one with the addon of each platform. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at } from './root.mjs';
import { outputOf, StepError } from './run.mjs';

/** What of a target's name Node, and npm's manifests, call otherwise. */
const CPUS = { x86_64: 'x64', aarch64: 'arm64' };
const SYSTEMS = { linux: 'linux', apple: 'darwin', windows: 'win32' };
const LIBCS = { gnu: 'glibc', musl: 'musl' };
/** Only the building of the package needs them. */
const PRIVATE_FIELDS = ['scripts', 'devDependencies', 'napi', 'pnpm'];
const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE'];

/** Provenance is of the repository that the workflow runs in: that is what the manifests say, and nothing elsewhere. */
function repositoryOf({ GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env) {
  if (!GITHUB_SERVER_URL || !GITHUB_REPOSITORY) return {};
  return { repository: { type: 'git', url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` } };
}

const manifest = () => ({ ...JSON.parse(readFileSync(at('package.json'), 'utf8')), ...repositoryOf() });

/** A target triple as its platform: `{ name: 'linux-x64-gnu', os, cpu, libc? }`. */
export function platformOf(triple) {
  const [machine, vendor, system, abi] = triple.split('-');
  const os = SYSTEMS[system] ?? SYSTEMS[vendor];
  const cpu = CPUS[machine];
  if (os === undefined || cpu === undefined) throw new StepError(`No platform is known for ${triple}.`);
  return {
    name: [os, cpu, abi].filter(Boolean).join('-'),
    os,
    cpu,
    libc: os === 'linux' ? LIBCS[abi] : undefined,
  };
}

export function platforms() {
  return manifest().napi.targets.map(platformOf);
}

/** The addon of a platform, as `napi build` and its artifacts are called. */
export const addonOf = ({ name }) => `qwormhole.${name}.node`;

/** The manifest of a platform's package. It has no script, and nothing but the addon. */
export function platformManifest(platform) {
  const { version, license, engines, repository } = manifest();
  const { name, os, cpu, libc } = platform;
  return {
    name: `qwormhole-${name}`,
    version,
    description: `The native backend of qwormhole for ${name}`,
    license,
    repository,
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    main: addonOf(platform),
    files: [addonOf(platform)],
  };
}

/** The manifest of the main package as it is published: each platform's package as an optional dependency. */
export function mainManifest() {
  const all = manifest();
  const kept = Object.entries(all).filter(([field]) => !PRIVATE_FIELDS.includes(field));
  const optional = platforms().map(({ name }) => [`qwormhole-${name}`, all.version]);
  return { ...Object.fromEntries(kept), optionalDependencies: Object.fromEntries(optional) };
}

/** Writes a package's directory anew. */
function stage(directory, packageManifest, files) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(packageManifest, undefined, 2)}\n`);
  for (const [from, to] of files) cpSync(from, join(directory, to), { recursive: true });
}

/**
 * Lays out all packages below `directory`: `main`, and `npm/<platform>` for each. Gives the directories, and of the
 * platforms those whose addon is there.
 */
export function layOut(directory) {
  if (!existsSync(at('native', 'binding.cjs')) || !existsSync(at('dist', 'index.js')))
    throw new StepError('The package is not built: npm run build.');
  const licences = LICENCES.map((name) => [at(name), name]);
  const main = join(directory, 'main');
  const own = ['dist', 'native/binding.cjs', 'native/binding.d.cts', 'README.md', 'CHANGELOG.md'];
  stage(main, mainManifest(), [...own.map((name) => [at(name), name]), ...licences]);
  const each = platforms().map((platform) => {
    const place = join(directory, 'npm', platform.name);
    const addon = at('native', addonOf(platform));
    const isBuilt = existsSync(addon);
    const files = [...licences, ...(isBuilt ? [[addon, addonOf(platform)]] : [])];
    stage(place, platformManifest(platform), files);
    writeFileSync(join(place, 'README.md'), readmeOf(platform));
    return { platform, place, isBuilt };
  });
  return { main, each };
}

function readmeOf({ name }) {
  return `# qwormhole-${name}\n\nThe native backend of [qwormhole](https://www.npmjs.com/package/qwormhole) for ${name}. It is installed with that
package where it can run, and is of no use without it.\n`;
}

/** Packs a directory; gives the tarball's path. */
export function pack(directory, into) {
  const said = outputOf('npm', [
    'pack',
    directory,
    '--pack-destination',
    into,
    '--ignore-scripts',
    '--silent',
  ]);
  if (said === undefined) throw new StepError(`npm pack ${directory} failed`);
  return join(into, said.split('\n').at(-1));
}
