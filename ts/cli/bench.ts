/** `qwormhole bench`: how fast an echo endpoint answers. */
import { BACKEND_OPTION, backendOptions, describeBackend } from './backend.js';
import type { Command } from './command.js';
import type { Context } from './context.js';
import { jsonLine, PROTOCOL_OPTION, protocolOf } from './dialect.js';
import { EXIT_FAILED } from './failure.js';
import { Load, type LoadFigures, type LoadProgress } from './load.js';
import { connectTls, TLS_CONNECT_OPTIONS } from './tls.js';
import { soleEndpoint } from './usage-error.js';
import { connectWebSocket, WEBSOCKET_CONNECT_OPTIONS } from './websocket.js';

const HOUR_MS = 3_600_000;
const MAX_CONNECTIONS = 65_535;
const MAX_WINDOW = 1_000_000;
const MAX_SIZE = 2 ** 30;

export const bench: Command = {
  name: 'bench',
  summary: 'measure throughput and latency of an echo endpoint',
  usage: '<endpoint> [options]',
  description:
    'Keeps a window of messages on the way over each connection to an endpoint that sends every message\n' +
    'back, checks the replies, and prints messages per second and round-trip times.',
  options: {
    connections: { value: 'number', help: 'connections at a time; default 1' },
    window: { value: 'number', help: 'messages on the way per connection; default 100' },
    size: { value: 'bytes', help: 'payload of a message; default 64' },
    duration: { value: 'time', help: 'how long it is measured, such as 500ms or 5s; default 5s' },
    warmup: { value: 'time', help: 'how long it runs before that; default 1s' },
    protocol: PROTOCOL_OPTION,
    backend: BACKEND_OPTION,
    ...WEBSOCKET_CONNECT_OPTIONS,
    ...TLS_CONNECT_OPTIONS,
    json: { help: 'print one line of JSON' },
  },
  examples: [
    ['qwormhole bench tcp://127.0.0.1:9000', 'five seconds over one connection'],
    [
      'qwormhole bench tcp://127.0.0.1:9000 --window 1',
      'the time of one round trip, with nothing in its way',
    ],
    [
      'qwormhole bench tcp://127.0.0.1:9000 --connections 50 --size 4096 --duration 30s --json',
      'for a program',
    ],
  ],

  async run(given, context) {
    const endpoint = soleEndpoint(given);
    const protocol = protocolOf(given);
    const load = new Load({
      endpoint,
      connections: given.integer('connections', { min: 1, max: MAX_CONNECTIONS, default: 1 }),
      window: given.integer('window', { min: 1, max: MAX_WINDOW, default: 100 }),
      size: given.integer('size', { min: 0, max: MAX_SIZE, default: 64 }),
      durationMs: given.duration('duration', { min: 10, max: HOUR_MS, default: 5_000, unit: 's' }),
      warmupMs: given.duration('warmup', { min: 0, max: HOUR_MS, default: 1_000, unit: 's' }),
      client: {
        protocol,
        ...backendOptions(given),
        ...connectWebSocket(given),
        ...connectTls(given),
      },
      signal: context.stopOnSignals(),
      onProgress: (progress) => showProgress(progress, context),
    });
    const figures = await load.run();
    context.out.line(
      given.has('json')
        ? jsonLine({ endpoint, protocol, ...figures })
        : table(`${endpoint} (${protocol})`, figures),
    );
    if (figures.firstError !== undefined)
      context.note(`${figures.errors} errors, the first: ${figures.firstError}`);
    return figures.errors > 0 || figures.messages === 0 ? EXIT_FAILED : 0;
  },
};

function showProgress({ phase, seconds, messagesPerSecond, errors }: LoadProgress, context: Context): void {
  const what = phase === 'warmup' ? 'warming up' : `${count(messagesPerSecond)} messages/s`;
  context.note(
    `${seconds.toFixed(1).padStart(6)} s  ${what}${errors === 0 ? '' : `  ${count(errors)} errors`}`,
  );
}

function table(what: string, figures: LoadFigures): string {
  const { connections, window, size, seconds, messages, latencyMs } = figures;
  const { p50, p90, p99, max } = latencyMs;
  const ms = (value: number | null): string => (value === null ? '–' : `${value.toFixed(3)} ms`);
  return [
    `${what} by the ${describeBackend(figures)}`,
    `  load        ${count(connections)} connection${connections === 1 ? '' : 's'} × ${count(window)} messages of ${count(size)} bytes, ${seconds.toFixed(1)} s`,
    `  throughput  ${count(figures.messagesPerSecond)} messages/s, ${figures.megabytesPerSecond.toFixed(2)} MB/s each way`,
    `  latency     p50 ${ms(p50)}, p90 ${ms(p90)}, p99 ${ms(p99)}, max ${ms(max)}`,
    `  messages    ${count(messages)}, ${count(figures.errors)} errors`,
  ].join('\n');
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
