/**
 * The program that is attacked: servers and clients of ours, in a process of its own that an attack may do with what it
 * can. It takes calls over its channel, and tells everything that happened and was logged. It echoes messages that
 * have the word of a witness in them.
 */
import { readdirSync } from 'node:fs';
import { inspect } from 'node:util';
import { connect, createQWormholeClient, createQWormholeServer, listen } from '../../../dist/index.js';
import { ACTS } from './target-acts.mjs';
import { withFunctions } from './target-options.mjs';

/** Of each connection so many messages are kept, by their texts; those after them are counted. */
const KEPT_MESSAGES = 200;
/** Of connections that are over so many are told of: what is weighed is the package, and not what is known of its past. */
const KEPT_ACCOUNTS = 500;
/** Longer ones are told by their lengths. */
const SHOWN_BYTES = 200;

const subjects = [];
const logs = [];
const texts = [];
const uncaught = [];

process.on('uncaughtException', (error) => uncaught.push(inspect(error)));
process.on('unhandledRejection', (reason) => uncaught.push(inspect(reason)));
process.on('warning', (warning) => {
  logs.push(inspect(warning));
  hear(warning);
});

/** What applications write into logs and show to people. */
function hear(error) {
  texts.push(error.message);
}

const logger = (record) =>
  void logs.push(`${record.level} ${record.event} ${inspect(record, { depth: 8, breakLength: Infinity })}`);

/** Objects of more keys are told by their number. */
const SHOWN_KEYS = 20;

const nameOf = (message) => {
  const keys = Buffer.isBuffer(message) || typeof message !== 'object' ? 0 : Object.keys(message).length;
  if (keys > SHOWN_KEYS) return `${keys} keys`;
  const text =
    typeof message === 'string' ? message : Buffer.isBuffer(message) ? message.toString() : inspect(message);
  return text.length <= SHOWN_BYTES ? text : `${message.length ?? text.length} bytes`;
};

/** What is known of one connection. */
class Account {
  port;
  closes = [];
  errors = [];
  messages = [];
  count = 0;

  /** @param peer The connection, of a server or a client. */
  constructor(peer) {
    this.peer = peer;
    this.port = peer.remotePort;
    peer.on('close', (code, reason, clean) => this.closes.push({ code, reason, clean }));
  }

  take(message) {
    this.count += 1;
    const text = nameOf(message);
    if (text.includes('witness')) this.peer.send(message);
    else if (this.messages.length < KEPT_MESSAGES) this.messages.push(text);
  }

  tell() {
    const { port, closes, errors, messages, count, peer } = this;
    return { port, closes, errors, messages, count, state: peer.state };
  }
}

function watched(entity, subject) {
  entity.on('handlerError', (error) => subject.handlerErrors.push(String(error)));
  for (const event of ['handshakeError', 'tlsClientError'])
    entity.on(event, (error) => subject.refusals.push(error.code));
  for (const event of ['error', 'handshakeError', 'tlsClientError']) entity.on(event, hear);
  return subject;
}

function fresh(options) {
  const subject = {
    accounts: [],
    over: [],
    refusals: [],
    errors: [],
    handlerErrors: [],
    outcome: 'open',
    acts: {},
  };
  return [subject, { logger, logLevel: 'debug', ...withFunctions(options, subject) }];
}

/** Of those that are over the oldest is forgotten. */
function rememberEnd({ accounts, over }, account) {
  if (over.push(account) > KEPT_ACCOUNTS) accounts.splice(accounts.indexOf(over.shift()), 1);
}

/** Some traffic, after which the process is as large as one that has been at work: that is what attacks start from. */
async function warmUp() {
  const server = await listen(['tcp://127.0.0.1:0', 'ws://127.0.0.1:0/']);
  server.on('message', (message, connection) => void connection.send(message));
  for (const address of server.addresses) {
    const client = await connect(address, { protocol: address.startsWith('ws') ? 'raw' : 'length-prefixed' });
    for (let count = 0; count < 64; count += 1) {
      const echoed = new Promise((resolve) => client.once('message', resolve));
      client.send(Buffer.alloc(256 * 1024));
      await echoed;
    }
    await client.close();
  }
  await server.close();
}

const CALLS = {
  /** A server; its number and addresses. */
  async serve(endpoints, options) {
    const [subject, complete] = fresh(options);
    const { server } = createQWormholeServer({ endpoints, ...complete });
    watched(server, subject);
    const of = new Map();
    server.on('connection', (connection) => {
      const account = new Account(connection);
      of.set(connection, account);
      subject.accounts.push(account);
      connection.on('close', () => {
        of.delete(connection);
        rememberEnd(subject, account);
      });
    });
    server.on('message', (message, connection) => {
      of.get(connection)?.take(message);
      return subject.onMessage?.(message, connection);
    });
    server.on('error', (error, connection) =>
      (of.get(connection)?.errors ?? subject.errors).push(error.code ?? String(error)),
    );
    await server.listen();
    subject.entity = server;
    return { subject: subjects.push(subject) - 1, addresses: server.addresses };
  },

  /** A client that calls; whether it gets through is in its report. */
  async dial(endpoints, options) {
    const [subject, complete] = fresh(options);
    const { client } = createQWormholeClient({ endpoints, reconnect: false, ...complete });
    watched(client, subject);
    const account = new Account(client);
    subject.accounts.push(account);
    client.on('message', (message) => {
      account.take(message);
      return subject.onMessage?.(message, client);
    });
    client.on('error', (error) => account.errors.push(error.code));
    client.on('disconnect', () => (subject.acts.disconnects = (subject.acts.disconnects ?? 0) + 1));
    subject.entity = client;
    subject.outcome = 'under way';
    client.connect().then(
      () => (subject.outcome = 'open'),
      (error) => {
        subject.outcome = error.code;
        hear(error);
        subject.details = error.details;
      },
    );
    return { subject: subjects.push(subject) - 1 };
  },

  report(number) {
    const { accounts, entity, refusals, errors, handlerErrors, outcome, details, acts } = subjects[number];
    const told = accounts.map((account) => account.tell());
    const stats = JSON.parse(JSON.stringify(entity.telemetry()));
    return { accounts: told, refusals, errors, handlerErrors, outcome, details, acts, stats, uncaught };
  },

  /** One of the named acts, with the server or client. */
  act(number, name, ...args) {
    return ACTS[name](subjects[number], ...args);
  },

  async close(number) {
    const { entity } = subjects[number];
    delete subjects[number];
    await entity.close();
  },

  /** Everything said since the last time, and every fault that nobody caught. */
  said() {
    return { logs: logs.splice(0), texts: texts.splice(0), uncaught };
  },

  /** What the process holds, its garbage collected. */
  async holds() {
    for (let round = 0; round < 2; round += 1) {
      globalThis.gc();
      await new Promise(setImmediate);
    }
    const descriptors = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
    return {
      rss: process.memoryUsage.rss(),
      descriptors,
      resources: process.getActiveResourcesInfo().length,
    };
  },
};

process.on('message', async ({ number, name, args }) => {
  try {
    process.send({ number, result: await CALLS[name](...args) });
  } catch (error) {
    process.send({ number, fault: inspect(error) });
  }
});
process.on('disconnect', () => process.exit());
await warmUp();
process.send({ isUp: true });
