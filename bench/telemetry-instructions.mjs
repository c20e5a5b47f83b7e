/**
 * What telemetry costs a message, in instructions: both ends of a connection in one process, which echo 64-byte messages,
 * with telemetry off and on (a logger of all levels, and the `onTelemetry` hook). A count does not depend on how busy
 * the machine is. It is that of the interpreter (`--jitless`), the difference of a long run and a short one, under
 * valgrind. One message is under way at a time: how large batches become is a matter of the moment.
 *
 *   node bench/telemetry-instructions.mjs [--backend ts]
 */
import { spawnSync } from 'node:child_process';
import { argv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { connect, listen } from '../dist/index.js';

const SIZE = 64;
/** Messages of both runs: what they differ by is measured. */
const [SHORT, LONG] = [1000, 5000];
const [mode, ...rest] = argv.slice(2);
if (mode === 'run') await run(rest[0], rest[1] === 'on', Number(rest[2]));
else await main();

async function run(backend, isOn, count) {
  const telemetry = isOn ? { logger: () => {}, logLevel: 'debug', onTelemetry: () => {} } : {};
  const options = { ...telemetry, forceTs: backend === 'ts' };
  const server = await listen('tcp://127.0.0.1:0', options);
  server.on('message', (message, connection) => connection.send(message));
  const client = await connect(server.addresses[0], options);
  const payload = Buffer.alloc(SIZE);
  const finished = new Promise((resolve) => {
    let received = 0;
    client.on('message', () => {
      received += 1;
      if (received === count) resolve();
      else client.send(payload);
    });
  });
  client.send(payload);
  await finished;
  await client.close();
  await server.close();
}

async function main() {
  const { backend } = parseArgs({ options: { backend: { type: 'string', default: 'ts' } } }).values;
  const perMessage = (state) =>
    (instructions(backend, state, LONG) - instructions(backend, state, SHORT)) / (LONG - SHORT);
  const [off, on] = [perMessage('off'), perMessage('on')];
  const more = ((on / off - 1) * 100).toFixed(2);
  console.log(
    `${backend}: ${off.toFixed(0)} instructions a message off, ${on.toFixed(0)} on: ${more} % more`,
  );
}

function instructions(backend, state, count) {
  const node = [execPath, '--jitless', fileURLToPath(import.meta.url), 'run', backend, state, String(count)];
  const valgrind = ['--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null', ...node];
  const { status, stderr } = spawnSync('valgrind', valgrind, { encoding: 'utf8' });
  const found = /I\s+refs:\s+([\d,]+)/.exec(stderr);
  if (status !== 0 || found === null) throw new Error(`valgrind ended with ${status}: ${stderr.slice(-500)}`);
  return Number(found[1].replaceAll(',', ''));
}
