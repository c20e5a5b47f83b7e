/** Sends back what comes, and reads no faster from a peer than that peer reads its echoes. */
import { listen } from 'qwormhole';

const [endpoint = 'tcp://127.0.0.1:9000'] = process.argv.slice(2);

const server = await listen(endpoint);
console.log(`Listening on ${server.addresses[0]}`);

server.on('message', (message, connection) => {
  if (connection.send(message) === 'backpressure') connection.pause();
});
server.on('drain', (connection) => connection.resume());

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.shutdown());
