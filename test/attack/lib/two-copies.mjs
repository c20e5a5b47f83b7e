/**
 * A program with two copies of the package, as npm installs them for dependencies that want different versions: each is
 * the other's peer and knows its errors. It says what it saw, and ends by itself.
 */
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const load = (copy) => import(pathToFileURL(join(copy, 'dist', 'index.js')).href);

/** What comes back of a message, and how the caller's error looks to the other copy. */
async function exchange(ours, theirs) {
  const server = await ours.listen('tcp://127.0.0.1:0', { codec: 'json' });
  server.on('message', (message, connection) => void connection.send(message));
  const [address] = server.addresses;
  const client = await theirs.connect(address, { codec: 'json' });
  const echo = new Promise((resolve) => client.once('message', resolve));
  client.send({ there: true });
  const { there } = await echo;
  await client.close();
  await server.close();
  const error = await theirs.connect(address, { reconnect: false }).catch((reason) => reason);
  return { modes: [server.mode, client.mode], there, isKnown: error instanceof ours.QWormholeError };
}

const [first, second] = await Promise.all(process.argv.slice(2).map(load));
const isOne = first.QWormholeError === second.QWormholeError;
console.log(JSON.stringify({ isOne, seen: [await exchange(first, second), await exchange(second, first)] }));
