/**
 * docs/mesh-network-tutorial.md, on two machines as far as the network knows: namespaces, whose `wg0` is a virtual cable
 * instead of WireGuard's, and an `eth0` beside it. What WireGuard itself does is not tested.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { allSnippets, root } from './snippets.js';

const folder = join(root, 'target', `mesh-${process.pid}`);
const [one, two] = [`qw-one-${process.pid}`, `qw-two-${process.pid}`];
const FIRST = '10.8.0.1:9000';
const SECOND = '10.8.0.2:9000';

function ip(command: string): void {
  execFileSync('ip', command.split(' '), { stdio: 'pipe' });
}

function lack(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid!() !== 0) return 'only root makes network namespaces';
  if (spawnSync('ip', ['netns', 'list']).error !== undefined) return 'there is no ip';
  if (!existsSync(join(root, 'native', 'binding.cjs'))) return 'the addon is not built';
  const { status, stderr } = spawnSync('ip', ['netns', 'add', one], { encoding: 'utf8' });
  if (status !== 0) return `no network namespace can be made: ${stderr.trim()}`;
  ip(`netns delete ${one}`);
  return undefined;
}

const reason = lack();

/** A program in one of the namespaces. */
class Node {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #said = '';

  constructor(
    namespace: string,
    code: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ) {
    const file = join(folder, `program-${running.length}.mjs`);
    writeFileSync(file, code);
    this.#child = spawn(
      'ip',
      ['netns', 'exec', namespace, process.execPath, '--no-warnings', file, ...args],
      {
        env: { ...process.env, NODE_OPTIONS: '', QWORMHOLE_NATIVE: 'force', ...env },
      },
    );
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    running.push(this);
  }

  /** Waits for a line. */
  async says(text: string): Promise<void> {
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done === true) throw new Error(`it ended and did not say ${text}:\n${this.#said}`);
      this.#said += `${value}\n`;
      if (value === text) return;
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.kill(signal);
    await ended;
  }
}

const running: Node[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.end('SIGKILL');
});

/** The whole node of the page. */
const NODE = allSnippets().find(
  ({ page, code }) => page === 'docs/mesh-network-tutorial.md' && code.includes('MESH_INTERFACE'),
)!.code;
const MESH = { MESH_INTERFACE: 'wg0' };

const SERVER = `
  import { listen } from 'qwormhole';
  const server = await listen('tcp://0.0.0.0:9000', { interfaceName: process.argv[2] || undefined });
  server.on('connection', ({ remoteAddress }) => console.log(remoteAddress));
  console.log('listening');`;

const CLIENT = `
  import { connect } from 'qwormhole';
  const [url, interfaceName] = process.argv.slice(2);
  const options = { reconnect: false, connectTimeoutMs: 2000, ...(interfaceName && { interfaceName }) };
  await connect(url, options).then(() => console.log('connected'), ({ kind }) => console.log('no way:', kind));
  process.exit();`;

describe.skipIf(reason !== undefined)(reason === undefined ? 'a mesh' : `a mesh: skipped, ${reason}`, () => {
  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    for (const namespace of [one, two]) {
      ip(`netns add ${namespace}`);
      ip(`-n ${namespace} link set lo up`);
    }
    for (const [name, network] of [
      ['wg0', '10.8.0'],
      ['eth0', '192.0.2'],
    ]) {
      ip(`link add ${name} netns ${one} type veth peer name ${name} netns ${two}`);
      for (const [number, namespace] of [one, two].entries()) {
        ip(`-n ${namespace} address add ${network}.${number + 1}/24 dev ${name}`);
        ip(`-n ${namespace} link set ${name} up`);
      }
    }
  });
  afterAll(() => {
    for (const namespace of [one, two]) spawnSync('ip', ['netns', 'delete', namespace]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('has a link between any two of its nodes, again after a loss', async () => {
    const first = new Node(one, NODE, [FIRST, FIRST, SECOND], MESH);
    let second = new Node(two, NODE, [SECOND, FIRST, SECOND], MESH);
    await first.says(`${FIRST} has ${SECOND}`);
    await second.says(`${SECOND} has ${FIRST}`);
    await second.says(`${SECOND} hears hello from ${FIRST}`);
    await second.end('SIGKILL');
    await first.says(`${FIRST} has lost ${SECOND}`);
    second = new Node(two, NODE, [SECOND, FIRST, SECOND], MESH);
    await second.says(`${SECOND} hears hello from ${FIRST}`);
  });

  it('has a server that nobody reaches by another interface', async () => {
    const server = new Node(one, SERVER, ['wg0']);
    await server.says('listening');
    await new Node(two, CLIENT, ['tcp://192.0.2.1:9000']).says('no way: network');
    await new Node(two, CLIENT, ['tcp://10.8.0.1:9000']).says('connected');
    await server.says('10.8.0.2');
  });

  it('has clients that go no other way when it is down', async () => {
    const server = new Node(one, SERVER);
    await server.says('listening');
    ip(`-n ${two} link set wg0 down`);
    try {
      ip(`-n ${two} route add 10.8.0.0/24 via 192.0.2.1 dev eth0`);
      // There is another way, and who says nothing takes it.
      await new Node(two, CLIENT, ['tcp://10.8.0.1:9000']).says('connected');
      await new Node(two, CLIENT, ['tcp://10.8.0.1:9000', 'wg0']).says('no way: network');
    } finally {
      ip(`-n ${two} route delete 10.8.0.0/24 via 192.0.2.1 dev eth0`);
      ip(`-n ${two} link set wg0 up`);
    }
  });

  it('refuses an interface that is not there', async () => {
    await new Node(two, CLIENT, ['tcp://10.8.0.1:9000', 'wg9']).says('no way: network');
  });
});
