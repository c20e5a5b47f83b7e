/** The clients of one side, all in one process of their own. Started by `peer.mjs`. */
import { injectNativeFailure } from '../../dist/internal.js';
import { serveParent, tellParent, usage } from './child.mjs';
import { LOADS } from './loads.mjs';
import { RecoveryLoad } from './recovery-load.mjs';

/** How often the parent hears how far it is, ms. */
const PROGRESS = 250;

/** Whose client is where; ours come in two backends. */
const FILES = { native: 'qwormhole', ts: 'qwormhole', 'socket.io': 'socket-io' };

let clients = [];
/** One that is there and reads nothing. */
let idler;
let load;

serveParent({
  async start({ client, protocol, address, deflate, ...shape }) {
    const { connect } = await import(`../clients/${FILES[client] ?? client}.mjs`);
    const what = { backend: client, protocol, deflate, options: shape.clientOptions };
    const calls = Array.from({ length: shape.connections }, () => connect(address, what));
    clients = await Promise.all(calls);
    const Load = shape.load === 'recovery' ? RecoveryLoad : LOADS[shape.load];
    load = new Load(clients, shape);
    if (shape.event !== 'pause') return;
    idler = await connect(address, what);
    idler.pause();
  },

  async run({ ms }) {
    const timer = setInterval(() => tellParent(load.checked), PROGRESS);
    const before = usage();
    try {
      const outcome = await load.run(ms);
      const { cpuUs, mainUs } = usage();
      return { ...outcome, cpuUs: cpuUs - before.cpuUs, mainUs: mainUs && mainUs - before.mainUs };
    } finally {
      clearInterval(timer);
    }
  },

  usage,

  /** How often there was backpressure, how many have lost their connection and have one again, and on which backends. */
  facts() {
    const modes = [...new Set(clients.map(({ mode }) => mode))];
    return { pressed: load.pressed, returned: load.returned, modes };
  },

  breakDown() {
    injectNativeFailure();
  },

  async stop() {
    for (const client of clients) client.removeAllListeners('close');
    idler?.terminate();
    await Promise.all(clients.map((client) => client.close()));
  },
});
