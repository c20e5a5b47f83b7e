/** `qwormhole bench`: how fast an echo endpoint answers. */
import { BACKEND_OPTION, backendOptions, describeBackend } from './backend.js';
import type { Command } from './command.js';
import { jsonLine, PROTOCOL_OPTION, protocolOf } from './dialect.js';
import { EXIT_FAILED } from './failure.js';
import { Load, type LoadFigures, type LoadProgress } from './load.js';
import { Progress } from './progress.js';
import type { Paint } from './style.js';
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
    const progress = new Progress(context);
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
      onProgress: (state) => progress.show(state.seconds / state.ofSeconds, progressText(state)),
    });
    const figures = await load.run().finally(() => progress.end());
    context.out.line(
      given.has('json')
        ? jsonLine({ endpoint, protocol, ...figures })
        : table(`${endpoint} (${protocol})`, figures, context.paint),
    );
    if (figures.firstError !== undefined)
      context.note(`${figures.errors} errors, the first: ${figures.firstError}`);
    return figures.errors > 0 || figures.messages === 0 ? EXIT_FAILED : 0;
  },
};

function progressText({ phase, seconds, messagesPerSecond, errors }: LoadProgress): string {
  const what = phase === 'warmup' ? 'warming up' : `${count(messagesPerSecond)} messages/s`;
  return `${seconds.toFixed(1).padStart(6)} s  ${what}${errors === 0 ? '' : `  ${count(errors)} errors`}`;
}

function table(what: string, figures: LoadFigures, paint: Paint): string {
  const { connections, window, size, seconds, messages, errors } = figures;
  const label = (text: string): string => paint('name', text.padEnd(12));
  return [
    `${paint('title', what)} by the ${describeBackend(figures)}`,
    `  ${label('load')}${count(connections)} connection${connections === 1 ? '' : 's'} × ${count(window)} messages of ${count(size)} bytes, ${seconds.toFixed(1)} s`,
    `  ${label('throughput')}${count(figures.messagesPerSecond)} messages/s, ${figures.megabytesPerSecond.toFixed(2)} MB/s each way`,
    `  ${label('messages')}${count(messages)}, ${errors === 0 ? '0 errors' : paint('bad', `${count(errors)} errors`)}`,
    '',
    ...percentiles(figures.latencyMs, paint),
  ].join('\n');
}

/** So wide is the slowest. */
const BAR_WIDTH = 30;
const PERCENTILES = {
  p50: '50 %',
  p75: '75 %',
  p90: '90 %',
  p99: '99 %',
  p999: '99.9 %',
  max: 'slowest',
} as const;

/** How long replies took: so many of them no longer than that. */
function percentiles(latency: LoadFigures['latencyMs'], paint: Paint): string[] {
  const most = Math.max(...Object.values(latency).map((ms) => ms ?? 0));
  const rows = Object.entries(PERCENTILES).map(([key, title]) => {
    const ms = latency[key as keyof typeof PERCENTILES];
    const text = ms === null ? '–' : `${ms.toFixed(3)} ms`;
    const bar = ms === null || most === 0 ? '' : '▇'.repeat(Math.max(1, Math.round((ms / most) * BAR_WIDTH)));
    return `  ${paint('name', title.padEnd(12))}${text.padStart(12)}  ${paint('faint', bar)}`.trimEnd();
  });
  return [`  ${paint('title', 'round trip')}`, ...rows];
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
