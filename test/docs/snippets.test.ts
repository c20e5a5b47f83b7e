/**
 * Every snippet of the documentation is checked by the compiler and run as users would run it: as a program
 * of its own that imports the built package by its name, on each backend. It must end by itself, but where it says that
 * it stays.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allSnippets, expectedOutput, needsOf, root, unrunSnippets, type Snippet } from './snippets.js';

const run = promisify(execFile);

/** A snippet that takes longer waits for something that will not come, ms. */
const LIMIT = 15_000;

/** Within the package, whose name it imports, and where nothing is tracked or shipped. */
const folder = join(root, 'target', `snippets-${process.pid}`);

/** Makes the certificates that documents use. */
const PROGRAM = join(root, 'dist', 'cli', 'main.js');

/** The port that documents use; a test run takes a free one. */
const PORT_IN_TEXT = '9000';

const snippets = allSnippets();
const unrun = unrunSnippets();
const isNever = ['0', 'disable', 'force-ts'].includes(process.env.QWORMHOLE_NATIVE ?? '');
const withNative = !isNever && existsSync(join(root, 'native', 'binding.cjs'));
const backends = withNative ? ['force-ts', 'force'] : ['force-ts'];

/** Packages that the bench brings, for snippets that say what their readers come from. */
const benchPackage = (name: string) => join(root, 'bench', 'node_modules', name);
const lackOf = (snippet: Snippet): string | undefined =>
  needsOf(snippet).find((need) => !existsSync(benchPackage(need)));

const fileOf = ({ name }: Snippet): string => name.replaceAll(/[/.:]/g, '-');

beforeAll(async () => {
  if (!existsSync(join(root, 'dist', 'index.js'))) throw new Error('the package is not built: npm run build');
  mkdirSync(folder, { recursive: true });
  await run(process.execPath, [PROGRAM, 'cert', '--out', join(folder, 'certs')]);
  await run(process.execPath, [PROGRAM, 'cert', '--out', join(folder, 'certs'), '--client', 'alice']);
  const programs = snippets.flatMap((snippet) => (snippet.server ? [snippet.server, snippet] : [snippet]));
  for (const need of new Set(programs.flatMap(needsOf))) provide(need);
  for (const program of [...programs, ...unrun]) write(program);
  await compile([...programs, ...unrun].filter(({ language }) => language === 'ts'));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.concurrent.each(backends)('QWORMHOLE_NATIVE=%s', (backend) => {
  it.for(snippets.map((snippet) => [snippet.name, snippet] as const))(
    '%s',
    { timeout: LIMIT + 5_000 },
    async ([, snippet], { skip }) => {
      const lack = lackOf(snippet);
      skip(lack !== undefined, `the bench has not installed its package ${lack}`);
      const port = await freePort();
      const server = snippet.server && (await serve(snippet.server, port, backend));
      try {
        const output = await runOne(snippet, port, backend);
        for (const text of expectedOutput(snippet)) expect(output).toContain(text);
      } finally {
        server?.kill('SIGKILL');
      }
    },
  );
});

describe('not run, and still no nonsense', () => {
  it.each(unrun.map((snippet) => [snippet.name, snippet] as const))('%s', async (_name, snippet) => {
    await run(process.execPath, ['--check', join(folder, `${fileOf(snippet)}.mjs`)]);
  });
});

/** Puts a package of the bench where snippets find it by its name. */
function provide(name: string): void {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  if (existsSync(benchPackage(name))) symlinkSync(benchPackage(name), join(folder, 'node_modules', name));
}

function write(snippet: Snippet): void {
  writeFileSync(join(folder, `${fileOf(snippet)}.m${snippet.language}`), snippet.code);
}

/** To JavaScript, with all checks: a snippet that does not compile is as wrong as one that does not run. */
async function compile(typed: readonly Snippet[]): Promise<void> {
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    types: ['node'],
    skipLibCheck: true,
    paths: {},
  };
  const files = typed.map((snippet) => `${fileOf(snippet)}.mts`);
  if (files.length === 0) return;
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const program = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    await run(process.execPath, [program, '-p', folder], { cwd: folder });
  } catch (error) {
    throw new Error(`snippets do not compile:\n${(error as { stdout: string }).stdout}`, { cause: error });
  }
}

/** The program of a snippet, at a port of its own; with the documents' own where it names none. */
function programOf(snippet: Snippet, port: number): string {
  const file = join(folder, `${fileOf(snippet)}.mjs`);
  if (!snippet.code.includes(PORT_IN_TEXT)) return file;
  const moved = join(folder, `${fileOf(snippet)}-${port}.mjs`);
  writeFileSync(moved, snippet.code.replaceAll(PORT_IN_TEXT, String(port)));
  return moved;
}

const environment = (backend: string) => ({ ...process.env, QWORMHOLE_NATIVE: backend, NODE_OPTIONS: '' });

async function runOne(snippet: Snippet, port: number, backend: string): Promise<string> {
  if (snippet.info.includes('stays')) return runUntilSaid(snippet, port, backend);
  const options = { cwd: folder, env: environment(backend), timeout: LIMIT, killSignal: 'SIGKILL' } as const;
  try {
    const { stdout } = await run(process.execPath, [programOf(snippet, port)], options);
    return stdout;
  } catch (error) {
    const { stdout, stderr, killed } = error as { stdout: string; stderr: string; killed: boolean };
    const why = killed ? `it did not end within ${LIMIT / 1000} s` : 'it failed';
    throw new Error(`${snippet.name}: ${why}\n${stdout}${stderr}`, { cause: error });
  }
}

async function runUntilSaid(snippet: Snippet, port: number, backend: string): Promise<string> {
  const options = { cwd: folder, env: environment(backend), timeout: LIMIT, killSignal: 'SIGKILL' } as const;
  const child = spawn(process.execPath, [programOf(snippet, port)], options);
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (expectedOutput(snippet).every((text) => output.includes(text))) child.kill('SIGKILL');
  }
  return output;
}

async function serve(snippet: Snippet, port: number, backend: string): Promise<ChildProcess> {
  const server = spawn(process.execPath, [programOf(snippet, port)], {
    cwd: folder,
    env: environment(backend),
    stdio: 'inherit',
  });
  const giveUpAt = Date.now() + LIMIT;
  while (!(await answers(port))) {
    if (Date.now() > giveUpAt || server.exitCode !== null) {
      server.kill('SIGKILL');
      throw new Error(`${snippet.name} does not listen`);
    }
    await sleep(20);
  }
  return server;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
