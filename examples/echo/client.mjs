/** Measures round trips to an echo server, one after the other: `node client.mjs [endpoint] [rounds]`. */
import { connect } from 'qwormhole';

const [endpoint = 'tcp://127.0.0.1:9000', rounds = '10000'] = process.argv.slice(2);
const count = Number(rounds);

const client = await connect(endpoint);
const started = performance.now();
let done = 0;

client.on('message', (echo) => {
  if (echo.readUInt32BE() !== done) throw new Error('an echo is not what was sent');
  done += 1;
  if (done < count) return ask();
  const each = ((performance.now() - started) / count) * 1000;
  console.log(`${count} round trips, ${each.toFixed(0)} µs each, on the ${client.mode} backend`);
  void client.close();
});
ask();

function ask() {
  const message = Buffer.alloc(4);
  message.writeUInt32BE(done);
  client.send(message);
}
