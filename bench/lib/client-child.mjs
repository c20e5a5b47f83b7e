/** The clients of a pairing, all in one process of their own. Started by `peer.mjs`. */
import { connect } from '../../dist/index.js';
import { backendOptions, checkBackend, serveParent, tellParent, usage } from './child.mjs';
import { LOADS } from './loads.mjs';

/** How often the parent hears how far it is, ms. */
const PROGRESS = 250;

let clients = [];
let load;

serveParent({
  async start({ backend, protocol, scenario, address, batching, connections, ...shape }) {
    const options = { ...backendOptions(backend, protocol), reconnect: false, ...(batching && { batching }) };
    clients = await Promise.all(Array.from({ length: connections }, () => connect(address, options)));
    checkBackend(backend, clients[0]);
    load = new LOADS[scenario](clients, shape);
  },

  async run({ ms }) {
    const timer = setInterval(() => tellParent(load.checked), PROGRESS);
    const before = usage();
    try {
      const outcome = await load.run(ms);
      return { ...outcome, cpuUs: usage().cpuUs - before.cpuUs };
    } finally {
      clearInterval(timer);
    }
  },

  usage,

  async stop() {
    for (const client of clients) client.removeAllListeners('close');
    await Promise.all(clients.map((client) => client.close()));
  },
});
