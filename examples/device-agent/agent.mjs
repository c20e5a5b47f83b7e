/**
 * Reports for a device, for as long as it runs, over one network interface and no other:
 *
 *     node agent.mjs pump-7 tcp://10.8.0.1:9000 --interface wg0
 */
import { loadavg, uptime } from 'node:os';
import { parseArgs } from 'node:util';
import { createQWormholeClient, isRetriableClose } from 'qwormhole';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    interface: { type: 'string' },
    binding: { type: 'string', default: 'device' },
    every: { type: 'string', default: '5000' },
  },
});
const [device = 'device-1', endpoint = 'tcp://127.0.0.1:9000'] = positionals;

const { client } = createQWormholeClient({
  endpoints: endpoint,
  codec: 'json',
  meta: { app: { device } },
  ...(values.interface && { interfaceName: values.interface, interfaceBinding: values.binding }),
  // The hub, or the interface, may come up after us.
  reconnect: { initial: true, baseMs: 200, capMs: 30_000 },
  // What is an hour old is still worth telling, up to a mebibyte of it; then the oldest goes.
  offlineQueue: { maxBytes: 1024 * 1024, maxAgeMs: 3_600_000 },
  overflow: 'drop-oldest',
});

client.on('ready', () => console.log(`connected from ${client.localAddress}`));
client.on('disconnect', (code, reason) => console.log(`lost: ${code} ${reason}`));
client.on('reconnecting', (attempt, delayMs, error) => {
  console.log(`attempt ${attempt} in ${Math.round(delayMs)} ms${error ? `: ${error.message}` : ''}`);
  // Who is not wanted need not ask again.
  if (error?.closeCode !== undefined && !isRetriableClose(error.closeCode)) void client.close();
});

let number = 0;
const timer = setInterval(() => {
  number += 1;
  client.send({ number, uptime: Math.round(uptime()), load: loadavg()[0] });
}, Number(values.every));
client.on('close', () => clearInterval(timer));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => client.close());

await client.connect();
