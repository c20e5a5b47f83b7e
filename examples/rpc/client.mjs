/** Calls the methods of the server: `node client.mjs [endpoint]`. */
import { connect } from 'qwormhole';
import { caller } from './calls.mjs';

const [endpoint = 'tcp://127.0.0.1:9000'] = process.argv.slice(2);

// A call that finds no link fails at once: one that waits in a queue may come when nobody waits for it any more.
const client = await connect(endpoint, { codec: 'json', offlineQueue: false });
const call = caller(client);

console.log(`2 + 3 = ${await call('add', 2, 3)}`);

// Calls do not wait for one another: the shorter one is answered first.
await Promise.all([
  call('later', 'after 200 ms', 200).then(console.log),
  call('later', 'after 50 ms', 50).then(console.log),
]);

await call('fail').catch((error) => console.log(`refused: ${error.message}`));
await client.close();
