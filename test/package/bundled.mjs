/** What is bundled: the same as exchange.mjs, without an await at the top, which CommonJS does not have. */
import { backendInfo, connect, listen } from 'qwormhole';

async function main() {
  const server = await listen('ws://127.0.0.1:0/', { codec: 'text' });
  server.on('message', (text, connection) => connection.send(text));
  const client = await connect(server.addresses[0], { codec: 'text' });
  client.on('message', async (text) => {
    await client.close();
    await server.close();
    console.log(JSON.stringify({ mode: server.mode, message: text, reason: backendInfo().reason }));
  });
  client.send('bundled');
}

void main();
