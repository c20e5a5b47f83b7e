/** `qwormhole listen`: a server that prints, echoes or spreads the messages it gets. */
import { createQWormholeServer } from '../factory.js';
import type { ServerConnection } from '../server-connection.js';
import type { QWormholeServer } from '../server.js';
import type { Arguments } from './arguments.js';
import { BACKEND_OPTION, backendOptions, describeBackend } from './backend.js';
import type { Command } from './command.js';
import { whenAborted, type Context } from './context.js';
import { DIALECT_OPTIONS, dialectOf, jsonLine, type Dialect } from './dialect.js';
import { describeError, EXIT_FAILED } from './failure.js';
import { peerText } from '../link/place.js';
import { METRICS_OPTIONS, metricsPlace, serveMetrics, type MetricsServer } from './metrics-server.js';
import { listenTls, TLS_LISTEN_OPTIONS } from './tls.js';
import { UsageError } from './usage-error.js';
import { listenWebSocket, WEBSOCKET_LISTEN_OPTIONS } from './websocket.js';

/** How long connections may take to end once the command is to end, ms. */
const GRACE_MS = 5_000;

/**
 * Room for the largest message above the point where reading stops (1 MiB), so that an echo is never
 * dropped for want of room.
 */
const MAX_QUEUED = 8 * 1024 * 1024;

export const listen: Command = {
  name: 'listen',
  summary: 'listen, and print, echo or broadcast messages',
  usage: '<endpoint…> [options]',
  description:
    'Listens on one or several endpoints until SIGINT or SIGTERM, then lets its connections end in order.\n' +
    'Prints the messages that arrive, with control characters escaped, unless it echoes or broadcasts them.',
  options: {
    echo: { help: 'send every message back' },
    broadcast: { help: 'send every message to all other connections' },
    backend: BACKEND_OPTION,
    ...DIALECT_OPTIONS,
    ...WEBSOCKET_LISTEN_OPTIONS,
    ...TLS_LISTEN_OPTIONS,
    ...METRICS_OPTIONS,
    json: { help: 'print lines of JSON: the addresses first, then connections and messages' },
  },
  examples: [
    ['qwormhole listen tcp://127.0.0.1:9000', 'print what arrives on port 9000'],
    ['qwormhole listen tcp://127.0.0.1:0 --echo --json', 'an echo server on a free port, for programs'],
    ['qwormhole listen tcp://127.0.0.1:9000 --echo --metrics 127.0.0.1:9100', 'with metrics'],
    ['qwormhole listen tls://0.0.0.0:9000 --cert server.crt --key server.key', 'with TLS'],
    ['qwormhole listen tcp://127.0.0.1:9000 ws://127.0.0.1:9001/chat --broadcast', 'a chat room'],
  ],

  async run(given, context) {
    given.exclude('echo', 'broadcast');
    if (given.positionals.length === 0)
      throw new UsageError('an endpoint is missing, such as tcp://127.0.0.1:9000');
    const { protocol, dialect } = dialectOf(given, 'buffer');
    const place = metricsPlace(given);
    const { server } = createQWormholeServer({
      ...backendOptions(given),
      ...listenWebSocket(given),
      ...listenTls(given),
      endpoints: given.positionals,
      protocol,
      codec: dialect.codec,
      maxQueued: MAX_QUEUED,
    });
    reportTo(server, context);
    useMessages(server, dialect, given, context);
    let metrics: MetricsServer | undefined;
    try {
      metrics = place && (await serveMetrics(place, () => server.metrics()));
      return await serve(server, given.has('json'), context, metrics?.url);
    } finally {
      metrics?.close();
      await server.close();
    }
  },
};

/** Listens until told to stop; resolves with the exit code. */
async function serve(
  server: QWormholeServer,
  asJson: boolean,
  context: Context,
  metrics: string | undefined,
): Promise<number> {
  const stop = context.stopOnSignals();
  const ended = new Promise<void>((resolve) => server.once('close', resolve));
  try {
    announce(server, await server.listen({ signal: stop }), asJson, context);
    if (metrics !== undefined && !asJson) context.out.line(`Metrics at ${metrics}`);
    else if (metrics !== undefined) context.out.line(JSON.stringify({ metrics }));
  } catch (error) {
    await server.close();
    if (stop.aborted) return 0;
    throw error;
  }
  await Promise.race([whenAborted(stop), ended]);
  if (!stop.aborted) return EXIT_FAILED;
  await server.close({ gracefulMs: GRACE_MS });
  return 0;
}

function announce(
  { mode, backend, io }: QWormholeServer,
  listening: readonly string[],
  asJson: boolean,
  { out }: Context,
): void {
  if (asJson) out.line(JSON.stringify({ listening, mode, backend, io }));
  else out.line(`Listening on ${listening.join(', ')} with the ${describeBackend({ mode, backend, io })}`);
}

function useMessages(server: QWormholeServer, dialect: Dialect, given: Arguments, context: Context): void {
  if (given.has('echo')) echo(server);
  else if (given.has('broadcast')) broadcast(server);
  else print(server, dialect, given.has('json'), context);
}

/** Answers in order, and reads no further from a peer that does not read its answers. */
function echo(server: QWormholeServer): void {
  server.on('message', (message, connection) => {
    if (connection.send(message) === 'backpressure') connection.pause();
  });
  server.on('drain', (connection) => void connection.resume());
}

function broadcast(server: QWormholeServer): void {
  server.on('message', (message, connection) => void server.broadcast(message, { except: connection }));
}

function print(server: QWormholeServer, dialect: Dialect, asJson: boolean, context: Context): void {
  const { out } = context;
  const event = (name: string, connection: ServerConnection, fields: Readonly<Record<string, unknown>>) =>
    out.line(jsonLine({ event: name, connection: connection.id, ...fields }));
  server.on('message', (message, connection) => {
    const hasRoom = asJson
      ? event('message', connection, dialect.fields(message))
      : out.line(`${peerOf(connection)}: ${dialect.show(message)}`);
    if (hasRoom) return;
    connection.pause();
    void out.drained().then(() => connection.resume());
  });
  server.on('connection', (connection) => {
    if (asJson) event('connection', connection, { remote: peerOf(connection) });
    else context.note(`${peerOf(connection)} has connected`);
  });
  server.on('clientClosed', (connection, code, reason, clean) => {
    if (asJson) event('close', connection, { code, reason, clean });
    else context.note(`${peerOf(connection)} has ${clean ? 'closed' : 'gone'}`);
  });
}

/** What goes wrong is told in every mode; the server goes on. */
function reportTo(server: QWormholeServer, context: Context): void {
  const from = (connection: ServerConnection | undefined) =>
    connection === undefined ? '' : `${peerOf(connection)}: `;
  server.on('error', (error, connection) => context.note(from(connection) + describeError(error)));
  server.on('tlsClientError', (error, remoteAddress, remotePort, suppressed) => {
    const others = suppressed > 0 ? ` (and ${suppressed} more like it)` : '';
    context.note(`${peerOf({ remoteAddress, remotePort })}: ${describeError(error)}${others}`);
  });
  server.on('handshakeError', (error, remoteAddress, remotePort, suppressed) => {
    const others = suppressed > 0 ? ` (and ${suppressed} more like it)` : '';
    context.note(`${peerOf({ remoteAddress, remotePort })}: ${describeError(error)}${others}`);
  });
  server.on('handlerError', (error, connection) => context.note(from(connection) + describeError(error)));
  server.on('dropped', ({ reason, count, bytes }, connection) =>
    context.note(`${from(connection)}dropped, for ${reason}: messages ${count}, bytes ${bytes}`),
  );
}

function peerOf(peer: Pick<ServerConnection, 'remoteAddress' | 'remotePort'>): string {
  const { remoteAddress } = peer;
  return peerText(remoteAddress.includes(':') ? { ...peer, remoteAddress: `[${remoteAddress}]` } : peer);
}
