/**
 * Sensors report over TCP in CBOR, a page shows their latest readings, and Prometheus scrapes /metrics:
 *
 *     node server.mjs [port] [endpoint]
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { METRICS_CONTENT_TYPE, QWormholeRuntime } from 'qwormhole';

const [port = '8080', endpoint = 'tcp://127.0.0.1:9000'] = process.argv.slice(2);
const NAME = /^[\w.-]{1,64}$/;
const page = await readFile(new URL('page.html', import.meta.url));
const latest = new Map();

const runtime = new QWormholeRuntime({ maxMessage: 4096 });
const sensors = await runtime.listen(endpoint, { codec: 'cbor' });
const { server: viewers } = runtime.createServer({ endpoints: [], codec: 'json' });

sensors.on('message', (reading) => {
  const { sensor, celsius } = Object(reading);
  if (!NAME.test(sensor) || !Number.isFinite(celsius)) return;
  latest.set(sensor, celsius);
  // Who is too slow for every reading gets the latest of each sensor.
  viewers.publish('readings', [[sensor, celsius]], { key: sensor, overflow: 'conflate' });
});

viewers.on('connection', (viewer) => {
  viewer.subscribe('readings');
  viewer.send([...latest]);
});

const http = createServer((request, response) => {
  if (request.url === '/metrics') {
    response
      .setHeader('Content-Type', METRICS_CONTENT_TYPE)
      .end(sensors.metrics({ name: 'sensors' }) + gauges());
  } else if (request.url === '/') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
  } else {
    response.writeHead(404).end();
  }
});

/** Our own figures beside those of the server, in the same format. */
function gauges() {
  const lines = [...latest].map(([sensor, celsius]) => `sensor_celsius{sensor="${sensor}"} ${celsius}\n`);
  return [
    '# HELP sensor_celsius Latest reading of a sensor.\n',
    '# TYPE sensor_celsius gauge\n',
    ...lines,
  ].join('');
}

viewers.attach(http, { path: '/readings' });
http.listen(Number(port), '127.0.0.1');
await once(http, 'listening');
console.log(`Open http://127.0.0.1:${http.address().port}/`);
console.log(`Listening on ${sensors.addresses[0]}`);

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    await Promise.all([sensors.shutdown(), viewers.shutdown()]);
    http.close();
    http.closeAllConnections();
  });
