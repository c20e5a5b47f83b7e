/** Makes up some sensors and reports their readings: `node sensors.mjs [endpoint] [count] [interval in ms]`. */
import { connect } from 'qwormhole';

const [endpoint = 'tcp://127.0.0.1:9000', count = '5', interval = '1000'] = process.argv.slice(2);
const celsius = Array.from({ length: Number(count) }, () => 15 + Math.random() * 10);

// Only the latest reading counts: while the server is away each sensor's replaces the one before it.
const client = await connect(endpoint, { codec: 'cbor', overflow: 'conflate', reconnect: { initial: true } });

const timer = setInterval(() => {
  for (const [index, value] of celsius.entries()) {
    const sensor = `sensor-${index + 1}`;
    celsius[index] = value + Math.random() - 0.5;
    client.send({ sensor, celsius: celsius[index] }, { key: sensor });
  }
}, Number(interval));

client.on('close', () => clearInterval(timer));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => client.close());
