/**
 * QWormhole's own server: `node qwormhole.mjs --backend native|ts [--scheme tcp|tls|ws|wss] [--work echo|fanout]
 * [--protocol qwh] [--io threads|inline]
 * [--port 0]`. `fanout`, over WebSocket: a client that sends the text `subscribe` gets every binary message
 * that any client sends.
 *
 * It ends with an error when it would run on another backend than the one asked for: a figure must
 * never stand under the wrong name.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';

import { listen } from '../../dist/index.js';
import { announce, portFromArguments, tlsOptions, workFromArguments } from '../baselines/serve.mjs';

const TOPIC = 'bench';

/** More than any scenario opens. */
const MAX_CONNECTIONS = 20_000;

const options = {
  backend: { type: 'string' },
  scheme: { type: 'string', default: 'tcp' },
  protocol: { type: 'string', default: 'length-prefixed' },
  io: { type: 'string' },
};
const { backend, scheme, protocol, io } = parseArgs({ options, strict: false }).values;
if (backend !== 'native' && backend !== 'ts') {
  console.error('qwormhole: --backend must be native or ts');
  process.exit(2);
}

const isSecure = scheme === 'tls' || scheme === 'wss';
const server = await listen(`${scheme}://127.0.0.1:${portFromArguments()}`, {
  protocol,
  codec: 'buffer',
  maxConnections: MAX_CONNECTIONS,
  ...(isSecure && { tls: { ...(await tlsOptions()), postQuantum: 'off', sessionResumption: false } }),
  forceTs: backend === 'ts',
  preferNative: backend === 'native',
  ...(io && { io }),
});
if (server.mode !== backend) {
  console.error(`qwormhole: the backend is ${server.mode}, ${backend} was asked for`);
  process.exit(1);
}

const onMessage = {
  echo(message, connection) {
    connection.send(message);
  },

  fanout(message, connection) {
    if (typeof message === 'string') {
      connection.subscribe(TOPIC);
      connection.send('subscribed');
    } else {
      server.publish(TOPIC, message);
    }
  },
}[workFromArguments()];
server.on('message', onMessage);
announce(Number(new URL(server.addresses[0]).port));
