/**
 * A server on the native backend whose runtime refuses every second buffer of received memory: prints
 * `{"received":N,"wrong":N,"refused":N,"told":N}`. The refusal is made here, because a real one takes a process that is
 * out of memory; all else is real.
 */
import { createRequire } from 'node:module';
import process from 'node:process';

import { connect, listen } from '../../dist/index.js';

const MESSAGES = 5000;
const SIZE = 600;

const { IoCore } = createRequire(import.meta.url)(
  process.env.QWORMHOLE_NATIVE_PATH ?? '../../native/binding.cjs',
);
const { functions } = IoCore.prototype;
let [asked, refused, told] = [0, 0, 0];
process.on('uncaughtException', () => (told += 1));
IoCore.prototype.functions = function () {
  const hot = functions.call(this);
  const slab = (id) => {
    asked += 1;
    const buffer = hot.slab(id);
    if (asked % 2 === 1) return buffer;
    refused += 1;
    throw new Error('no buffer');
  };
  return Object.assign(Object.create(hot), { slab });
};

const server = await listen('tcp://127.0.0.1:0', { preferNative: true });
let [received, wrong] = [0, 0];
server.on('message', (message) => {
  if (message.length !== SIZE || message.some((byte) => byte !== received % 256)) wrong += 1;
  received += 1;
  // A refusal of this batch is told behind it.
  if (received === MESSAGES) setImmediate(report);
});
function report() {
  console.log(JSON.stringify({ mode: server.mode, received, wrong, refused, told }));
  process.exit(0);
}

const client = await connect(server.addresses[0], { forceTs: true });
for (let sent = 0; sent < MESSAGES; sent += 1)
  if (client.send(Buffer.alloc(SIZE, sent % 256)) !== 'sent') await client.drained();
