/**
 * Counts the garbage that a message makes on the JavaScript thread of a server that echoes it, and holds it against its
 * budgets in bench/garbage.json: `node scripts/garbage.mjs [--update]`. The package must be built. The server's heap is
 * so large that nothing is collected while it is looked at, and batches are of one size, so that bytes do not depend on
 * how busy a machine is. `--update` writes what was counted as the new budgets.
 *
 * Exit code 1 when a path makes more garbage than its budget and the head-room, or has none.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

import { nativeBackend } from '../bench/lib/backends.mjs';
import { holdToBudgets } from './lib/budgets.mjs';
import { at } from './lib/root.mjs';
import { main, StepError } from './lib/run.mjs';

const BUDGETS = at('bench', 'garbage.json');

/** Servers: backend, poller and carrier. */
const NATIVE = ['tcp', 'ws'].flatMap((scheme) =>
  ['threads', ...(process.platform === 'linux' ? ['inline'] : [])].map((io) => ({
    backend: 'native',
    io,
    scheme,
  })),
);
const SERVERS = [{ backend: 'ts', scheme: 'tcp' }, { backend: 'ts', scheme: 'ws' }, ...NATIVE];

/** Messages of 64 bytes that come together and go back together: what ten in flight come to. */
const BATCH = 10;
const SIZE = 64;

/** Until V8 has compiled the way of a message for good, messages. */
const WARM_UP = 100_000;
/** In one look. */
const MESSAGES = 20_000;
/** The median of these counts: V8 still compiles something now and then. */
const LOOKS = 7;

/** A young generation that all of a look fits into, MiB. */
const YOUNG = 64;

/** What a count may be off its budget, as a part, and besides, bytes: V8's versions differ in what they can leave out. */
const HEAD_ROOM = 0.15;
const FEW_BYTES = 16;

/** Bytes of garbage a message. */
async function garbageOf(server) {
  const young = [`--min-semi-space-size=${YOUNG}`, `--max-semi-space-size=${YOUNG}`];
  const child = fork(at('scripts', 'lib', 'garbage-child.mjs'), [JSON.stringify(server)], {
    execArgv: ['--expose-gc', ...young],
    env: { ...process.env, QWORMHOLE_IO: server.io ?? 'auto' },
  });
  const answer = async () => (await once(child, 'message'))[0];
  try {
    const { port } = await answer();
    const echo = await Echo.over(server.scheme, port);
    await echo.run(WARM_UP);
    const looks = [];
    while (looks.length < LOOKS) looks.push(await look(child, answer, echo));
    return Math.round(looks.sort((a, b) => a - b)[LOOKS >> 1]);
  } finally {
    child.disconnect();
  }
}

async function look(child, answer, echo) {
  child.send('collect');
  const before = await answer();
  await echo.run(MESSAGES);
  child.send('look');
  const after = await answer();
  if (after.collections !== before.collections) throw new StepError('The heap was collected meanwhile.');
  return (after.used - before.used) / MESSAGES;
}

/** A client that sends a batch and waits for all of its replies. */
class Echo {
  #socket;
  #batch;
  /** Bytes of the replies to a batch. */
  #size;

  static async over(scheme, port) {
    const echo = new Echo();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    if (scheme === 'ws') await upgrade(socket);
    const [head, replyHead] = scheme === 'ws' ? [frameHead(), 2] : [lengthOf(), 4];
    const payload = Buffer.alloc(SIZE);
    echo.#socket = socket;
    echo.#batch = Buffer.concat(Array.from({ length: BATCH }, () => [head, payload]).flat());
    echo.#size = BATCH * (replyHead + SIZE);
    return echo;
  }

  run(messages) {
    return new Promise((resolve, reject) => {
      let left = messages;
      let missing = this.#size;
      const socket = this.#socket;
      const onData = ({ length }) => {
        missing -= length;
        if (missing > 0) return;
        left -= BATCH;
        missing = this.#size;
        if (left > 0) return socket.write(this.#batch);
        socket.off('data', onData);
        socket.off('close', onClose);
        resolve();
      };
      const onClose = () => reject(new StepError('The server has ended the connection.'));
      socket.on('data', onData).on('close', onClose);
      socket.write(this.#batch);
    });
  }
}

function lengthOf() {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(SIZE);
  return head;
}

/** Masked with zeros, which change nothing. */
const frameHead = () => Buffer.from([0x82, 0x80 | SIZE, 0, 0, 0, 0]);

async function upgrade(socket) {
  const key = Buffer.alloc(16).toString('base64');
  const headers = [
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
  ];
  socket.write(['GET / HTTP/1.1', ...headers, `Sec-WebSocket-Key: ${key}`, '', ''].join('\r\n'));
  const [answer] = await once(socket, 'data');
  if (!String(answer).startsWith('HTTP/1.1 101')) throw new StepError(`No WebSocket: ${answer}`);
}

await main(async () => {
  const { values } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
  const { reason } = await nativeBackend();
  const figures = {};
  const left = [];
  for (const server of SERVERS) {
    const name = Object.values(server).join('-');
    if (server.backend === 'native' && reason !== undefined) left.push(name);
    else figures[name] = await garbageOf(server);
  }
  if (left.length > 0) console.log(`skipped: ${left.join(', ')} (${reason})`);
  holdToBudgets(figures, {
    file: BUDGETS,
    unit: 'bytes a message',
    room: (budget) => budget * HEAD_ROOM + FEW_BYTES,
    update: values.update,
    left,
  });
});
