/** A server and a client of the chosen backend, in this process: do messages come back? */
import { connect, listen } from '../factory.js';
import type { QWormholeClient } from '../client.js';
import type { Mode } from '../link/link.js';
import { describeError } from './failure.js';

const TIMEOUT_MS = 5_000;
/** An empty message, a small one, and one that is larger than what a socket takes at once. */
const SIZES = [0, 64, 2 ** 20];

/** What came of it. */
export interface SelfTest {
  readonly ok: boolean;
  readonly milliseconds: number;
  readonly error?: string;
}

/** Never rejects. */
export async function selfTest(mode: Mode): Promise<SelfTest> {
  const startedAt = performance.now();
  const error = await exchange(mode).then(
    () => undefined,
    (reason: unknown) => describeError(reason),
  );
  const milliseconds = Math.round((performance.now() - startedAt) * 10) / 10;
  return error === undefined ? { ok: true, milliseconds } : { ok: false, milliseconds, error };
}

async function exchange(mode: Mode): Promise<void> {
  // Told so, the library does not warn of what the report says anyway.
  const options = { forceTs: mode === 'ts', signal: AbortSignal.timeout(TIMEOUT_MS) };
  const server = await listen('tcp://127.0.0.1:0', options);
  try {
    server.on('message', (message, connection) => void connection.send(message));
    const client = await connect(server.addresses[0], { ...options, reconnect: false });
    try {
      await expectEchoes(client);
    } finally {
      await client.close();
    }
  } finally {
    await server.close();
  }
}

async function expectEchoes(client: QWormholeClient<'buffer'>): Promise<void> {
  const messages = SIZES.map((size) => Buffer.alloc(size, 0x51));
  for (const message of messages) client.send(message);
  let answered = 0;
  for await (const reply of client) {
    if (!reply.equals(messages[answered])) throw new Error(`message ${answered + 1} came back changed`);
    answered += 1;
    if (answered === messages.length) return;
  }
  throw new Error(`${answered} of ${messages.length} messages came back`);
}
