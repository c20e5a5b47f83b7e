/** Where devices report: `node hub.mjs [endpoint]`. Each says who it is in the handshake. */
import { listen } from 'qwormhole';

const [endpoint = 'tcp://127.0.0.1:9000'] = process.argv.slice(2);
const DEVICE = /^[\w-]{1,32}$/;

const hub = await listen(endpoint, {
  codec: 'json',
  verifyHandshake: ({ app }) =>
    DEVICE.test(app?.device) || { code: 4, reason: 'say which device you are: meta.app.device' },
});
console.log(`Listening on ${hub.addresses[0]}`);

hub.on('connection', ({ handshake }) => console.log(`${handshake.app.device} is here`));
hub.on('message', (report, { handshake }) => {
  console.log(`${handshake.app.device} reports ${JSON.stringify(report)}`);
});
hub.on('clientClosed', ({ handshake }, code, reason) => {
  console.log(`${handshake.app.device} has gone: ${code} ${reason}`);
});

// Devices are told when to come back, each at another moment of five seconds.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => hub.close({ gracefulMs: 5000, spreadMs: 5000 }));
