/** A server to be killed, in a process of its own: it says what it gets, if that is whole. Started by `peer.mjs`. */
import { listen } from '../../dist/index.js';
import { backendOptions, checkBackend, serveParent, tellParent } from './child.mjs';
import { unseal } from './sealed.mjs';

serveParent({
  async start({ backend, protocol, address }) {
    const server = await listen(address, backendOptions(backend, protocol));
    checkBackend(backend, server);
    // Clients that are killed in the middle of a message do not exist here.
    server.on('error', () => {});
    server.on('message', (message, connection) => {
      if (unseal(message) === -1) tellParent({ partial: message.length });
      if (connection.send(message) === 'backpressure') connection.pause();
    });
    server.on('drain', (connection) => connection.resume());
    return server.addresses[0];
  },
});
