/**
 * QWormhole as Autobahn's client: `node echo-client.mjs --backend native|ts URL AGENT`. Goes through all cases
 * of the suite's server at URL and echoes what each of them sends.
 */
import { once } from 'node:events';
import process from 'node:process';

import { connect } from '../../dist/index.js';
import { checkBackend, forBackend, WIRE } from './testee.mjs';

const backend = forBackend();
const [url, agent] = backend.rest;
const options = { ...WIRE, ...backend.options, reconnect: false };

const count = await countOfCases();
for (let number = 1; number <= count; number++) {
  await echo(`${url}/runCase?case=${number}&agent=${agent}`);
}
// It stops at once when it is told to, and may not even finish the handshake.
await connect(`${url}/updateReports?agent=${agent}&shutdownOnComplete=true`, options).catch(() => {});
// Whatever a case may have left behind: this program is done.
process.exit(0);

async function countOfCases() {
  const client = await connect(`${url}/getCaseCount`, options);
  checkBackend(backend.name, client);
  const closed = once(client, 'close');
  const [message] = await once(client, 'message');
  await closed;
  return Number(message);
}

/** One connection to its end. One that fails is a result too, which the suite knows best. */
async function echo(address) {
  try {
    const client = await connect(address, options);
    client.on('error', () => {});
    client.on('message', (message) => client.send(message));
    await new Promise((resolve) => client.on('close', resolve));
  } catch (error) {
    console.error(`${address}: ${error.message}`);
  }
}
