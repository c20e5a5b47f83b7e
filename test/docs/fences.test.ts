/**
 * Snippets that are no programs of ours: each is read by the tool it is written for, or as far as can be without a
 * machine of its own. What is not done, here or anywhere: images are not built, manifests not applied, units not started,
 * packages not installed.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { allFences, pages, root, type Fence } from './snippets.js';
import { commandsOf, faultOf } from './shell.js';

const run = promisify(execFile);
const folder = join(root, 'target', `fences-${process.pid}`);
const fences = allFences();

beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const has = (program: string, ...args: string[]) => spawnSync(program, args).error === undefined;

/** Who looks at which language. Rust is run with the crate's own tests (src/lib.rs has the page). */
const LOOKED_AT = [
  'js',
  'ts',
  'rust',
  'sh',
  'dockerfile',
  'yaml',
  'systemd',
  'nginx',
  'toml',
  'json',
  'html',
];
/** Pictures, bytes, and what programs print. */
const FREE = ['text'];

it('every language is looked at by somebody', () => {
  const languages = new Set(fences.map(({ language }) => language));
  expect([...languages].filter((one) => ![...LOOKED_AT, ...FREE].includes(one))).toEqual([]);
});

it.each(pages)('%s has no fence without a language', (page) => {
  const marks = readFileSync(join(root, page), 'utf8').match(/^```/gm) ?? [];
  expect(marks.length).toBe(2 * fences.filter((fence) => fence.page === page).length);
});

function describeFences(language: string, look: (fence: Fence) => unknown, lack?: string): void {
  const found = fences.filter((fence) => fence.language === language);
  if (found.length === 0) return;
  describe(lack === undefined ? language : `${language}: skipped, ${lack}`, () => {
    it.skipIf(lack !== undefined).each(found.map((fence) => [fence.name, fence] as const))(
      '%s',
      async (_, fence) => {
        await look(fence);
      },
    );
  });
}

function write(fence: Fence, name: string, code = fence.code): string {
  const home = join(folder, fence.name.replaceAll(/[/.:]/g, '-'));
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, name), code);
  return join(home, name);
}

const bash = has('bash', '--version') ? undefined : 'there is no bash';
describeFences('sh', (fence) => run('bash', ['-n', write(fence, 'script.sh')]), bash);

describe('sh, commands of ours', () => {
  const found = fences.filter(({ language }) => language === 'sh');
  it.each(found.map((fence) => [fence.name, fence] as const))('%s', (_, { code }) => {
    for (const command of commandsOf(code)) expect([command, faultOf(command)]).toEqual([command, undefined]);
  });
});

describeFences('dockerfile', ({ code }) => {
  expect(validate(code)).toEqual([]);
  // What is copied from the context and named here must exist.
  for (const [, what] of code.matchAll(/^COPY (?!--from)(.+)$/gm)) expect(what).not.toMatch(/\.\.\//);
});

describeFences('json', ({ code }) => void JSON.parse(code));
describeFences('html', ({ code }) => expect(code).toMatch(/^<[a-z!]/m));

/** Kinds of manifests, and the types that say which fields they have. */
const KINDS: Readonly<Record<string, string>> = {
  'v1 Service': 'kubernetes-models/v1',
  'apps/v1 Deployment': 'kubernetes-models/apps/v1',
  'policy/v1 PodDisruptionBudget': 'kubernetes-models/policy/v1',
};

describeFences('yaml', async (fence) => {
  const documents = parseAllDocuments(fence.code);
  if (!Array.isArray(documents)) throw new Error('there is nothing in it');
  const manifests = documents.map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as { apiVersion?: string; kind?: string };
  });
  const lines = manifests
    .filter(({ apiVersion }) => apiVersion !== undefined)
    .map((manifest, at) => {
      const kind = `${manifest.apiVersion} ${manifest.kind}`;
      if (KINDS[kind] === undefined) throw new Error(`nobody knows the fields of ${kind}`);
      // A literal, so that a field that does not exist is a fault.
      const type = `import('${KINDS[kind]}').I${manifest.kind}`;
      return `export const manifest${at}: ${type} = ${JSON.stringify(manifest)};`;
    });
  if (lines.length > 0) await compile(write(fence, 'manifests.mts', lines.join('\n')));
});

async function compile(file: string): Promise<void> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
  try {
    await run(process.execPath, [tsc, '--ignoreConfig', ...options, file]);
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout, { cause: error });
  }
}

const systemd = has('systemd-analyze', '--version') ? undefined : 'there is no systemd-analyze';
describeFences(
  'systemd',
  async (fence) => {
    // It asks for what the machine has not: the user, the program's own folder.
    const here = fence.code
      .replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`)
      .replace(/^User=.*$/m, 'User=root');
    const unit = write(fence, `qwormhole-${process.pid}.service`, here);
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stderr.split('\n').filter((line) => line.includes(unit) || line.includes('Unknown'))).toEqual([]);
  },
  systemd,
);

const nginx = has('nginx', '-v') ? undefined : 'there is no nginx';
describeFences(
  'nginx',
  async (fence) => {
    const own = ['pid', 'error_log'].map((name) => `${name} ${join(folder, name)};`).join(' ');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${join(folder, name)};`)
      .join(' ');
    const server = `server { listen 127.0.0.1:8088; ${fence.code} }`;
    const file = write(
      fence,
      'nginx.conf',
      `${own} events {} http { access_log off; ${temporary} ${server} }`,
    );
    await run('nginx', ['-t', '-q', '-p', folder, '-c', file]);
  },
  nginx,
);

const cargo = has('cargo', '--version') ? undefined : 'there is no cargo';
describeFences(
  'toml',
  async (fence) => {
    const head = '[package]\nname = "reader"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n';
    // A reader's program lies beside the clone.
    const here = fence.code.replace('"../qwormhole"', JSON.stringify(root));
    const manifest = write(fence, 'Cargo.toml', `${head}[workspace]\n${here}`);
    write(fence, 'lib.rs', '');
    await run('cargo', [
      'metadata',
      '--no-deps',
      '--offline',
      '--format-version=1',
      '--manifest-path',
      manifest,
    ]);
  },
  cargo,
);

it('variables of ours are those that exist', () => {
  const known = ['NATIVE', 'NATIVE_PATH', 'DEBUG_NATIVE', 'IO', 'DEBUG'].map((name) => `QWORMHOLE_${name}`);
  for (const { name, code } of fences)
    for (const [variable] of code.matchAll(/\bQWORMHOLE_[A-Z_]+\b/g))
      expect([name, known.includes(variable) || /_(TLS|TEST|FUZZ|FOREIGN)_/.test(variable)]).toEqual([
        name,
        true,
      ]);
});
