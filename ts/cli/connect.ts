/** `qwormhole connect`: a client for people and pipes. */
import { createQWormholeClient } from '../factory.js';
import type { Protocol } from '../link/link.js';
import { OPTION_TABLE } from '../options/table.js';
import type { Arguments } from './arguments.js';
import { BACKEND_OPTION, backendOptions } from './backend.js';
import type { Command } from './command.js';
import type { Context } from './context.js';
import { Conversation } from './conversation.js';
import { DIALECT_OPTIONS, dialectOf, type Dialect } from './dialect.js';
import { lineInput, streamInput, type Input } from './lines.js';
import { terminalInput } from './terminal.js';
import { connectTls, TLS_CONNECT_OPTIONS } from './tls.js';
import { soleEndpoint } from './usage-error.js';
import { connectWebSocket, WEBSOCKET_CONNECT_OPTIONS } from './websocket.js';
import { bytesView, jsonView, lineView, streamView, type View } from './view.js';

const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_LINE = OPTION_TABLE.maxMessage.default;

/**
 * Room for the largest message above the point where reading of input stops (1 MiB), with a connection and
 * without one: what was read is sent, however long it takes.
 */
const MAX_QUEUED = 8 * 1024 * 1024;
const OFFLINE_QUEUE = { maxBytes: MAX_QUEUED, maxAgeMs: MAX_TIMER_MS };

export const connect: Command = {
  name: 'connect',
  summary: 'send lines as messages, and print the messages that come',
  usage: '<endpoint> [options]',
  description:
    'Sends each line of input as one message and prints each message as one line, with control characters\n' +
    'escaped. With the codecs json, cbor and msgpack a line is a value in JSON. At the end of input it waits\n' +
    'until everything is sent and the peer is quiet, then closes the connection.',
  options: {
    wait: { value: 'ms', help: 'how long the peer must be quiet after the end of input; default 500' },
    backend: BACKEND_OPTION,
    ...DIALECT_OPTIONS,
    ...WEBSOCKET_CONNECT_OPTIONS,
    ...TLS_CONNECT_OPTIONS,
    'connect-timeout': { value: 'ms', help: 'how long an attempt to connect may take; default 10000' },
    'no-reconnect': { help: 'end when the connection is lost' },
    'raw-output': { help: 'print messages as they come, also what a terminal would obey' },
    verbose: { short: 'v', help: 'print what the handshake says of the peer' },
    json: { help: 'print lines of JSON: connections and messages' },
  },
  examples: [
    ['qwormhole connect tcp://127.0.0.1:9000', 'talk; Ctrl-D ends'],
    ['qwormhole connect tcp://127.0.0.1:9000 -v', 'also see who the peer is'],
    ['echo hello | qwormhole connect tcp://127.0.0.1:9000', 'send one message and print the replies'],
    [
      `echo '{"a":1}' | qwormhole connect tcp://127.0.0.1:9000 --codec cbor --wait 2s`,
      'send a value as CBOR, and give the peer more time',
    ],
  ],

  run(given, context) {
    const endpoint = soleEndpoint(given);
    given.exclude('json', 'raw-output');
    const { protocol, dialect } = dialectOf(given, 'text', endpoint);
    const waitMs = given.duration('wait', { min: 0, max: MAX_TIMER_MS, default: 500, unit: 'ms' });
    const { client } = createQWormholeClient({
      endpoints: endpoint,
      protocol,
      codec: dialect.codec,
      connectTimeoutMs: given.duration('connect-timeout', {
        min: 1,
        max: MAX_TIMER_MS,
        default: OPTION_TABLE.connectTimeoutMs.default,
        unit: 'ms',
      }),
      reconnect: !given.has('no-reconnect'),
      maxQueued: MAX_QUEUED,
      offlineQueue: OFFLINE_QUEUE,
      ...backendOptions(given),
      ...connectWebSocket(given),
      ...connectTls(given),
    });
    return new Conversation({
      client,
      dialect,
      view: viewOf(given, protocol, dialect, context),
      context,
      openInput: () => openInput(protocol, context),
      waitMs,
      asJson: given.has('json'),
      isVerbose: given.has('verbose'),
      isInteractive: process.stdin.isTTY,
    }).run();
  },
};

function viewOf(given: Arguments, protocol: Protocol, dialect: Dialect, { out }: Context): View {
  if (given.has('json')) return jsonView(dialect, out);
  if (given.has('raw-output')) return bytesView(dialect, out, protocol === 'raw' ? '' : '\n');
  return protocol === 'raw' ? streamView(out) : lineView(dialect, out);
}

/** Lines; with protocol raw, where there are no messages, everything as it comes. */
function openInput(protocol: Protocol, context: Context): Input {
  if (protocol === 'raw') return streamInput(process.stdin);
  if (process.stdin.isTTY && process.stdout.isTTY) return terminalInput(context);
  return lineInput(streamInput(process.stdin), MAX_LINE);
}
