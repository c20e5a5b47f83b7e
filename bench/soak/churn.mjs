/** Clients that come, say a word, and go: half of them by a reset, half of them in order. */
import { connect, listen } from '../../dist/index.js';
import { backendOptions } from '../lib/child.mjs';

/** So many are on their way at once: the queue of pending connections of a listener is not what is tested. */
const AT_ONCE = 100;
/** Ports of one address are used up by clients that end in order: they wait for a minute. */
const ADDRESSES = 8;
/** What is looked for is what stays, not how fast a busy machine lets them in, ms. */
const PATIENCE_MS = 60_000;

export async function run({ backend, rounds, clients }, sample) {
  const options = backendOptions(backend, 'qwh');
  const patient = { ...options, connectTimeoutMs: PATIENCE_MS };
  const endpoints = Array.from({ length: ADDRESSES }, (_, index) => `tcp://127.0.0.${index + 1}:0`);
  const server = await listen(endpoints, { ...options, handshakeTimeoutMs: PATIENCE_MS });
  server.on('message', (message, connection) => void connection.send(message));
  let number = 0;
  const life = async () => {
    const index = (number += 1);
    const client = await connect(server.addresses[index % ADDRESSES], {
      ...patient,
      reconnect: false,
    });
    const answer = new Promise((resolve) => client.once('message', resolve));
    client.send(Buffer.from(`client ${index}`));
    if (String(await answer) !== `client ${index}`) throw new Error('an answer to somebody else');
    if (index % 2 === 0) client.terminate();
    else await client.close();
  };
  for (let round = 1; round <= Number(rounds); round += 1) {
    for (let come = 0; come < Number(clients); come += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, life));
    await sample(`${number} connections`, () => server.getConnectionCount() === 0);
  }
  await server.close();
}
