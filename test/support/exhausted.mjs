/**
 * A process that runs out of descriptors when told so. Its standard input: `take` opens files until no descriptor is
 * left, and goes on so, `give` closes them, `listen URL` and `connect URL` do that. Prints a line of JSON for each event.
 * Argument: options as JSON.
 */
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { connect, listen } from '../../dist/index.js';

/** What else ends meanwhile gives its descriptor back: that is taken too, ms. */
const AGAIN_MS = 1;

const options = JSON.parse(process.argv[2] ?? '{}');
const say = (event, facts = {}) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
const told = ({ code, message, retriable, remedy, details, cause }) => ({
  error: { code, message, retriable, remedy, details, cause: cause?.message },
});

const taken = [];
let timer;

function take() {
  try {
    for (;;) taken.push(openSync('/dev/null'));
  } catch (error) {
    if (error.code !== 'EMFILE') throw error;
  }
}

const acts = {
  take() {
    take();
    timer = setInterval(take, AGAIN_MS);
    say('taken', { count: taken.length });
  },
  give() {
    clearInterval(timer);
    for (const descriptor of taken.splice(0)) closeSync(descriptor);
    say('given');
  },
  async listen(url) {
    const server = await listen(url, options);
    server.on('message', (message, connection) => connection.send(message));
    server.on('error', (error) => say('error', told(error)));
    say('listening', { mode: server.mode, addresses: server.addresses });
  },
  async connect(url) {
    const client = await connect(url, { ...options, reconnect: { baseMs: 5, capMs: 20 } });
    client.on('message', (message) => say('message', { text: String(message) }));
    client.on('error', () => {});
    client.on('reconnecting', (attempt, delayMs, error) => {
      if (error !== undefined) say('reconnecting', told(error));
    });
    const greet = () => client.send('hello');
    client.on('ready', greet);
    say('connected', { mode: client.mode });
    greet();
  },
};

// The first of each would load what it needs, from files.
say('here');
for await (const line of createInterface({ input: process.stdin })) {
  const [act, ...args] = line.split(' ');
  await Promise.resolve(acts[act](...args)).catch((error) => say('failed', told(error)));
}
process.exit();
