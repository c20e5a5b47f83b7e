/** The same by `require`, which gives the one copy that there is. */
const { backendInfo, connect, listen, QWormholeError } = require('qwormhole');

async function main() {
  const server = await listen('tcp://127.0.0.1:0', { codec: 'json' });
  server.on('message', (message, connection) => connection.send({ ...message, back: true }));
  const client = await connect(server.addresses[0], { codec: 'json' });
  client.on('message', async (message) => {
    await client.close();
    await server.close();
    const { mode } = server;
    const isOneCopy = (await import('qwormhole')).QWormholeError === QWormholeError;
    console.log(JSON.stringify({ mode, message, reason: backendInfo().reason, isOneCopy }));
  });
  client.send({ there: true });
}

void main();
