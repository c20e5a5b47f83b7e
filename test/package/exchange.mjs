/** A server and a client of the installed package, in ES modules: prints what they are on and why, and what came back. */
import { backendInfo, connect, listen } from 'qwormhole';

const carrier = process.argv[2] ?? 'tcp';
const endpoint =
  carrier === 'unix' ? `unix:///tmp/qw-package-${process.pid}.sock` : `${carrier}://127.0.0.1:0`;
const server = await listen(endpoint, { codec: 'json' });
server.on('message', (message, connection) => connection.send({ ...message, back: true }));
const client = await connect(server.addresses[0], { codec: 'json' });
client.on('message', async (message) => {
  await client.close();
  await server.close();
  const { mode } = server;
  console.log(JSON.stringify({ mode, message, reason: backendInfo().reason }));
});
client.send({ there: true });
