/**
 * A server as it runs in production: probes and metrics on a port of their own, and an end in order.
 *
 *     node server.mjs [endpoint] [host:port of probes]
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { backendInfo, listen, METRICS_CONTENT_TYPE } from 'qwormhole';

const [endpoint = 'tcp://127.0.0.1:9000', probes = '127.0.0.1:9100'] = process.argv.slice(2);
/** Less than the supervisor waits before it kills: Docker does for 10 s, Kubernetes for 30 s. */
const GRACE_MS = Number(process.env.GRACE_MS ?? 8000);

const server = await listen(endpoint, {
  codec: 'json',
  logger: (record) => console.log(JSON.stringify(record)),
  // Under node:cluster, and so under PM2, workers share the port; on the native backend each binds it itself.
  reusePort: cluster.isWorker && backendInfo().mode === 'native',
});
server.on('message', (message, connection) => connection.send(message));

const http = createServer((request, response) => {
  switch (request.url) {
    case '/live':
      return response.end();
    case '/ready':
      return response.writeHead(server.ready ? 200 : 503).end();
    case '/metrics':
      return response.setHeader('Content-Type', METRICS_CONTENT_TYPE).end(server.metrics());
    default:
      return response.writeHead(404).end();
  }
});
const { hostname, port } = new URL(`http://${probes}`);
http.listen(Number(port), hostname);
await once(http, 'listening');
console.log(JSON.stringify({ event: 'probes.listening', url: `http://${hostname}:${http.address().port}` }));
let stopping;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    // Clients come back to whoever takes over, spread over that time and not all at once.
    stopping ??= server.close({ gracefulMs: GRACE_MS, spreadMs: GRACE_MS });
    await stopping;
    http.close();
    http.closeAllConnections();
    // Its channel to whoever started it would keep a worker alive.
    if (process.connected) process.disconnect();
  });
}

// For PM2 and others that wait for a word, and may send a signal at once; where nobody does there is no `send`.
process.send?.('ready');
