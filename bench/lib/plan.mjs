/** What is to be measured: cells, each a scenario between one server and one kind of client. */
import { contestants, floor, messagingServer, OURS } from './contestants.mjs';
import { SCENARIOS } from './scenarios.mjs';

/**
 * @typedef {object} Cell
 * @property {string} scenario
 * @property {string} name as people write it: `native-server x rust-client`
 * @property {string} server whose server, by its name
 * @property {string} client whose client; `rust` is the load generator
 * @property {string | null} io the poller of ours in Rust, where one of the sides is that
 * @property {import('./contestants.mjs').Contestant} [contestant] the server, where it is a script of its own
 * @property {string} [label] what it is, where the server's does not say it
 * @property {string} [reason] why it cannot be measured
 */

/** Both sides ours, in JavaScript: what only we can do, and what only our own clients can ask for. */
const PAIRED = [
  'e1',
  'e2',
  'e3',
  'e4',
  'ping',
  'qwh-e2',
  'ws-e2',
  'stream',
  'pressed',
  'rated',
  'fanout',
  'slow',
  'breakdown',
];

/** Whose clients call the naked loop in Rust, beside ours. */
const CLIENTS = { e2: ['net', 'net-naive'], 'ws-e2': ['ws'] };

/** Packages that speak with their own kind only. */
const MESSAGING = { e1: ['socket.io', 'zeromq'], e2: ['socket.io', 'zeromq'] };

/** Small and in JavaScript alone. */
const QUICK = ['echo', 'ping', 'e2', 'stream'];

const isOurs = (name) => OURS.includes(name);
const nameOf = ({ server, client }) => `${server}-server x ${client}-client`;

/**
 * @param {{ mode: string, scenarios?: string[], only?: string[] }} settings
 * @param {object} built what is built in Rust; nothing in mode `quick`
 * @param {{ io: string, reason?: string }[]} pollers
 * @returns {Cell[]}
 */
export function plan({ mode, scenarios, only }, built, pollers) {
  const names = scenarios ?? (mode === 'quick' ? QUICK : Object.keys(SCENARIOS));
  const cells = names.flatMap((name) => cellsOf(name, mode, built, pollers));
  return cells.filter((each) => isChosen({ mode, scenarios, only }, each));
}

/** Whether `--mode`, `--scenarios` and `--only` leave a cell, or the record of one. */
export function isChosen({ mode, scenarios, only }, one) {
  const { scenario, server, client } = one;
  const isOf = (names, name) => names === undefined || names.includes(name);
  const names = scenarios ?? (mode === 'quick' ? QUICK : undefined);
  return isOfMode(mode, one) && isOf(names, scenario) && isOf(only, client === 'rust' ? server : client);
}

function isOfMode(mode, { scenario, server, client }) {
  const ours = [server, client].filter(isOurs).length;
  if (mode === 'quick') return ours === 2;
  if (mode === 'core' && ours === 0) return false;
  if (ours < 2) return true;
  // Beside others that bring both sides, ours with both sides alike.
  const isBeside = server === client && MESSAGING[scenario] !== undefined;
  return PAIRED.includes(scenario) && (mode !== 'compare' || isBeside);
}

/** All cells of a scenario that a mode can choose from; for `quick` nothing is built. */
function cellsOf(name, mode, built, pollers) {
  const pairings = paired(name, pollers);
  if (mode === 'quick') return pairings;
  const loaded = SCENARIOS[name].preset === undefined ? [] : underLoad(name, built, pollers);
  const others = [...calling(name, built, pollers), ...deflated(name, built, pollers), ...messaging(name)];
  return [...loaded, ...others, ...pairings];
}

function cell(scenario, server, client, more = {}) {
  return { scenario, name: nameOf({ server, client }), server, client, io: null, ...more };
}

/** Servers under the load generator. */
function underLoad(name, built, pollers) {
  return contestants(built, SCENARIOS[name], pollers).map((contestant) => {
    const { name: server, io = null } = contestant;
    const reason = contestant.reason ?? built.loadgen.reason;
    return cell(name, server, 'rust', { io, contestant, reason });
  });
}

/** Clients of the naked loop. */
function calling(name, built, pollers) {
  if (CLIENTS[name] === undefined) return [];
  const contestant = floor(built.loadgen, SCENARIOS[name].wire);
  const more = { contestant, label: 'calling the naked poll loop', reason: contestant.reason };
  const ours = pollers.map(({ io, reason }) =>
    cell(name, 'rust', 'native', { ...more, io, reason: more.reason ?? reason }),
  );
  return [...ours, ...['ts', ...CLIENTS[name]].map((client) => cell(name, 'rust', client, more))];
}

/** The load generator does not inflate: the client is the same for all, that of `ws`. */
function deflated(name, built, pollers) {
  const scenario = SCENARIOS[name];
  if (!scenario.deflate) return [];
  return contestants(built, scenario, pollers).map((contestant) => {
    const { name: server, io = null, reason } = contestant;
    return cell(name, server, 'ws', { io, contestant: isOurs(server) ? undefined : contestant, reason });
  });
}

function messaging(name) {
  return (MESSAGING[name] ?? []).map((peer) => {
    const contestant = messagingServer(peer);
    return cell(name, peer, peer, { contestant, reason: contestant.reason });
  });
}

/** Every pairing of our backends, with every poller where Rust is one of the sides. */
function paired(name, pollers) {
  const pairings = OURS.flatMap((server) => OURS.map((client) => ({ server, client })));
  return pairings.flatMap(({ server, client }) => {
    if (server === 'native' || client === 'native') {
      return pollers.map(({ io, reason }) => cell(name, server, client, { io, reason }));
    }
    const reason = name === 'breakdown' ? 'there is no native backend in it' : undefined;
    return [cell(name, server, client, { reason })];
  });
}
