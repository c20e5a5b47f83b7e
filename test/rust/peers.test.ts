/** Programs of the Rust crate and of Node, each as the other's server, over every carrier and on both backends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectOptions, listen, type QWormholeClient, type QWormholeServer } from 'qwormhole';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ca, pairOf, serverCert } from '../support/pki.js';
import { hasCargo } from '../support/qwh-rust.js';
import { buildExamples, RustExample } from '../support/rust-example.js';
import { socketPath } from '../support/socket-path.js';

const SIZES = [0, 1, 100, 16_384, 16_385, 65_536, 1_000_000, 4 * 1024 * 1024];
const ROUNDS = 300;
const PATIENCE = 60_000;

// Windows has no Unix sockets for Node.
const SCHEMES = ['tcp', 'tls', 'ws', 'wss', ...(process.platform === 'win32' ? [] : ['unix'])];
const backends = process.env.QWORMHOLE_NATIVE === 'force-ts' ? ['ts'] : ['ts', 'native'];
const cases = backends.flatMap((backend) => SCHEMES.map((scheme) => ({ backend, scheme })));

const on = (backend: string) => ({ forceTs: backend === 'ts' });

const { cert, key } = pairOf(serverCert());
const folder = mkdtempSync(join(tmpdir(), 'qwormhole-rust-'));
function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const open: { kill?(): void; close?(): unknown }[] = [];
function tracked<T extends (typeof open)[number]>(one: T): T {
  open.push(one);
  return one;
}
afterEach(async () => {
  for (const one of open.splice(0)) await (one.kill?.() ?? one.close?.());
});
afterAll(() => rmSync(folder, { recursive: true }));

let programs: ReadonlyMap<string, string>;
function example(name: 'echo' | 'ping', args: readonly string[]): RustExample {
  return new RustExample(programs.get(name)!, args);
}

function at(scheme: string): string {
  if (scheme === 'unix') return `unix://${socketPath()}`;
  return `${scheme}://localhost:0${scheme.startsWith('ws') ? '/chat' : ''}`;
}

/** A Rust server that sends back what comes, and where it listens. */
async function rustEcho(scheme: string): Promise<string> {
  const files = [file('cert.pem', cert), file('key.pem', key)];
  const line = await tracked(example('echo', [at(scheme), ...files])).line();
  // The certificate is for the name.
  return line.replace('listening on ', '').replace(/127\.0\.0\.1|\[::1\]/, 'localhost');
}

/** A Rust client of a server of ours. */
function rustPing(server: QWormholeServer): RustExample {
  const url = server.addresses[0].replace(/127\.0\.0\.1|\[::1\]/, 'localhost');
  return tracked(example('ping', [url, String(ROUNDS), file('ca.pem', ca.cert)]));
}

async function call(url: string, options: ConnectOptions): Promise<QWormholeClient> {
  return tracked(await connect(url, { reconnect: false, tls: { ca: ca.cert }, ...options }));
}

/** Sends one message and gives the next that comes. */
async function echoed(client: QWormholeClient, message: Buffer): Promise<unknown> {
  const next = new Promise((resolve) => client.once('message', resolve));
  client.send(message);
  return next;
}

const suite = hasCargo ? 'programs in Rust' : 'skipped: there is no cargo';

describe.skipIf(!hasCargo)(suite, () => {
  beforeAll(() => {
    programs = buildExamples();
  }, 900_000);

  it.each(cases)(
    'serve clients over $scheme on the backend $backend',
    async ({ backend, scheme }) => {
      const client = await call(await rustEcho(scheme), on(backend));
      expect(client.handshake).toMatchObject({
        version: 1,
        codec: 'buffer',
        transport: { native: true, backend: 'rust' },
        security: scheme === 'tls' || scheme === 'wss' ? 2 : 0,
      });
      for (const size of SIZES) {
        const message = Buffer.alloc(size, size);
        const back = await echoed(client, message);
        expect(message.equals(back as Buffer), `${size} bytes`).toBe(true);
      }
      await client.close();
    },
    PATIENCE,
  );

  it.each(cases)(
    'call servers over $scheme on the backend $backend',
    async ({ backend, scheme }) => {
      const server = tracked(await listen(at(scheme), { tls: { cert, key }, ...on(backend) }));
      server.on('message', (message, connection) => void connection.send(message));
      const closes: number[] = [];
      server.on('connection', (connection) => {
        expect(connection.handshake?.transport).toEqual({ native: true, backend: 'rust' });
        connection.on('close', (code) => closes.push(code));
      });
      const ping = rustPing(server);
      expect(await ping.line()).toMatch(`${ROUNDS} round trips`);
      expect(await ping.ended()).toBe(0);
      await expect.poll(() => closes).toEqual([0]);
    },
    PATIENCE,
  );

  it.each(backends)('are told why they are refused, on the backend %s', async (backend) => {
    const server = tracked(
      await listen(at('tcp'), {
        verifyHandshake: () => ({ code: 300, reason: 'only blue ones' }),
        ...on(backend),
      }),
    );
    const ping = rustPing(server);
    expect(await ping.ended()).toBe(1);
    expect(ping.stderr).toMatch(/HandshakeRefused.*300.*only blue ones/);
  });

  it.each(backends)('refuse whose codec is another, on the backend %s', async (backend) => {
    for (const scheme of ['tcp', 'ws']) {
      const refused = call(await rustEcho(scheme), { codec: 'json', ...on(backend) });
      await expect(refused).rejects.toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: 23 });
    }
  });

  it.each(backends)('take peers that shake no hands, on the backend %s', async (backend) => {
    const others = [
      ['tcp', 'length-prefixed'],
      ['ws', 'raw'],
    ] as const;
    for (const [scheme, protocol] of others) {
      const client = await call(await rustEcho(scheme), { protocol, ...on(backend) });
      expect(client.handshake).toBeUndefined();
      expect(await echoed(client, Buffer.from('plain'))).toEqual(Buffer.from('plain'));
      await client.close();
    }
  });
});
