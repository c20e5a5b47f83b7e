/**
 * QWormhole's own echo server: `node qwormhole.mjs --backend native|ts [--port 0]`.
 *
 * It ends with an error when it would run on another backend than the one asked for: a figure must
 * never stand under the wrong name.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';

import { listen } from '../../dist/index.js';
import { announce, portFromArguments } from '../baselines/serve.mjs';

const { values } = parseArgs({ options: { backend: { type: 'string' } }, strict: false });
const { backend } = values;
if (backend !== 'native' && backend !== 'ts') {
  console.error('qwormhole: --backend must be native or ts');
  process.exit(2);
}

const server = await listen(`tcp://127.0.0.1:${portFromArguments()}`, {
  protocol: 'length-prefixed',
  codec: 'buffer',
  forceTs: backend === 'ts',
  preferNative: backend === 'native',
});
if (server.mode !== backend) {
  console.error(`qwormhole: the backend is ${server.mode}, ${backend} was asked for`);
  process.exit(1);
}
server.on('message', (message, connection) => {
  connection.send(message);
});
announce(Number(new URL(server.addresses[0]).port));
