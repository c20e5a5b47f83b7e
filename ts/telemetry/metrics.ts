/** Telemetry as Prometheus reads it: text exposition format 0.0.4. docs/telemetry.md lists the names. */
import { invalidOption } from '../options/check.js';
import { checkLabels, type Labels } from './labels.js';
import type { HistogramStats } from './histogram.js';
import type { ClientTelemetry, ServerTelemetry, Telemetry } from './snapshot.js';

/** The Content-Type of the text. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A snapshot, and what tells it from others of the same process. */
export interface MetricsSource {
  readonly telemetry: Telemetry;
  readonly labels?: Labels;
}

type Kind = 'counter' | 'gauge' | 'histogram';
/** One line: labels besides those of the source, and the value; `suffix` is for histograms. */
interface Sample {
  readonly labels?: Labels;
  readonly suffix?: string;
  readonly value: number;
}
interface Family {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  /** Nothing where the source does not have it. */
  samples(telemetry: Telemetry): readonly Sample[];
}

const FAMILIES: readonly Family[] = [
  family(
    'info',
    'gauge',
    'Always 1; the labels say which backend is in use, and where it serves sockets.',
    () => one(1),
  ),
  family('uptime_seconds', 'gauge', 'Since the server or client was made.', (t) => one(t.uptimeMs / 1000)),
  ...ofServers(),
  ...ofClients(),
  family('connections_by_state', 'gauge', 'Connections by what they do; a client has one.', (t) =>
    each(statesOf(t), 'state', (count) => count),
  ),
  family(
    'qwh_handshake_seconds',
    'histogram',
    "Handshakes of the protocol qwh that were accepted, from the peer's HELLO on.",
    (t) => histogram(t.qwhHandshakeTime),
  ),
  family('messages_received_total', 'counter', 'Messages received.', (t) => one(t.received.messages)),
  family('received_bytes_total', 'counter', 'Their payload bytes.', (t) => one(t.received.bytes)),
  family('messages_undecodable_total', 'counter', 'Of these, refused by the codec.', (t) =>
    one(t.undecodable),
  ),
  family('messages_accepted_total', 'counter', 'Messages accepted by send.', (t) => one(t.accepted.messages)),
  family('accepted_bytes_total', 'counter', 'Their payload bytes.', (t) => one(t.accepted.bytes)),
  family('messages_written_total', 'counter', 'Messages accepted and taken by the kernel.', (t) =>
    one(t.messagesWritten),
  ),
  family('written_bytes_total', 'counter', 'Their payload bytes.', (t) => one(t.bytesWritten)),
  family(
    'messages_discarded_total',
    'counter',
    'Messages accepted, and lost with connections, by age or by policy.',
    (t) => one(t.messagesDiscarded),
  ),
  family('discarded_bytes_total', 'counter', 'Their payload bytes.', (t) => one(t.bytesDiscarded)),
  family('buffered_messages', 'gauge', 'Messages accepted and not yet taken by the kernel.', (t) =>
    one(t.bufferedMessages),
  ),
  family('buffered_bytes', 'gauge', 'Their payload bytes.', (t) => one(t.bufferedAmount)),
  family('messages_dropped_total', 'counter', 'Messages not accepted, by reason.', (t) =>
    each(t.dropped, 'reason', ({ messages }) => messages),
  ),
  family('dropped_bytes_total', 'counter', 'Their payload bytes.', (t) =>
    each(t.dropped, 'reason', ({ bytes }) => bytes),
  ),
  family('backpressures_total', 'counter', 'Times that backpressure began.', (t) => one(t.backpressures)),
  family('drains_total', 'counter', 'Times that it ended by drain.', (t) => one(t.drains)),
  family('heartbeat_timeouts_total', 'counter', 'Connections whose peers gave no sign of life.', (t) =>
    one(t.heartbeatTimeouts),
  ),
  family('connection_faults_total', 'counter', 'Connections that ended by an error, by its code.', (t) =>
    each(t.faults, 'code', (count) => count),
  ),
  family(
    'turns_cut_total',
    'counter',
    'Turns of the event loop that were cut short, of the whole process.',
    (t) => each({ ...t.batching.cuts }, 'bound', (count) => count),
  ),
  family(
    'streams_total',
    'counter',
    'Streams of small messages that wait for one another, of the whole process.',
    (t) => one(t.batching.streams),
  ),
  family('send_seconds', 'histogram', 'From send to the kernel, sampled; with profiling.', ({ latency }) =>
    latency === undefined ? [] : histogram(latency.sendToKernel),
  ),
  family('receive_seconds', 'histogram', 'From arrival to the listener; with profiling.', ({ latency }) =>
    latency === undefined ? [] : histogram(latency.receiveToHandler),
  ),
];

function ofServers(): Family[] {
  const servers = (of: (telemetry: ServerTelemetry) => readonly Sample[]) => (telemetry: Telemetry) =>
    telemetry.role === 'server' ? of(telemetry) : [];
  return [
    family(
      'ready',
      'gauge',
      '1 while the server takes connections.',
      servers((t) => one(Number(t.ready))),
    ),
    family(
      'connections',
      'gauge',
      'Open connections.',
      servers((t) => one(t.connections)),
    ),
    family(
      'connections_accepted_total',
      'counter',
      'Connections ever accepted.',
      servers((t) => one(t.connectionsAccepted)),
    ),
    family(
      'connections_refused_total',
      'counter',
      'Turned away for maxConnections or maxConnectionsPerAddress.',
      servers((t) => one(t.connectionsRefused)),
    ),
    family(
      'handshakes_total',
      'counter',
      'Opening handshakes of WebSockets, by result.',
      servers((t) => each({ ...t.handshakes }, 'result', (count) => count)),
    ),
    family(
      'qwh_handshakes_total',
      'counter',
      'Handshakes of the protocol qwh, by result.',
      servers(({ qwhHandshakes: { timedOut, ...others } }) =>
        each({ ...others, 'timed-out': timedOut }, 'result', (count) => count),
      ),
    ),
    family(
      'handshake_seconds',
      'histogram',
      'Opening handshakes of WebSockets that were let in, from the request on.',
      servers((t) => histogram(t.handshakeTime)),
    ),
    family(
      'tls_handshakes_failed_total',
      'counter',
      'TLS handshakes that failed, by error code.',
      servers((t) => each(t.tls?.failures ?? {}, 'code', (count) => count)),
    ),
    family(
      'tls_certificate_expiry_timestamp_seconds',
      'gauge',
      'When the first certificate ends, in seconds since 1970.',
      servers((t) => (t.tls === undefined ? [] : one(t.tls.expiresAt.getTime() / 1000))),
    ),
  ];
}

function ofClients(): Family[] {
  const clients = (of: (telemetry: ClientTelemetry) => readonly Sample[]) => (telemetry: Telemetry) =>
    telemetry.role === 'client' ? of(telemetry) : [];
  return [
    family(
      'connected',
      'gauge',
      '1 while there is a link.',
      clients((t) => one(Number(t.state === 'open'))),
    ),
    family(
      'connects_total',
      'counter',
      'Links ever established.',
      clients((t) => one(t.connects)),
    ),
    family(
      'reconnects_total',
      'counter',
      'Of these, after a loss.',
      clients((t) => one(t.reconnects)),
    ),
    family(
      'disconnects_total',
      'counter',
      'Links lost.',
      clients((t) => one(t.disconnects)),
    ),
    family(
      'attempts_total',
      'counter',
      'Attempts to connect begun.',
      clients((t) => one(t.attempts.made)),
    ),
    family(
      'attempts_failed_total',
      'counter',
      'Attempts that failed, by error code.',
      clients((t) => each(t.attempts.failed, 'code', (count) => count)),
    ),
  ];
}

/** Every state that there is, so that one that ends is seen to be 0. */
const CLIENT_STATES = ['idle', 'connecting', 'open', 'reconnecting', 'closing', 'closed'] as const;

function statesOf(telemetry: Telemetry): Readonly<Record<string, number>> {
  if (telemetry.role === 'server') return telemetry.connectionStates;
  return Object.fromEntries(CLIENT_STATES.map((state) => [state, Number(telemetry.state === state)]));
}

function family(name: string, kind: Kind, help: string, samples: Family['samples']): Family {
  return { name: `qwormhole_${name}`, kind, help, samples };
}

function one(value: number): Sample[] {
  return [{ value }];
}

function each<T>(record: { readonly [name: string]: T }, label: string, of: (value: T) => number): Sample[] {
  return Object.entries(record).map(([name, value]) => ({ labels: { [label]: name }, value: of(value) }));
}

function histogram({ buckets, count, sumMs }: HistogramStats): Sample[] {
  return [
    ...buckets.map((bucket) => ({
      suffix: '_bucket',
      labels: { le: String(bucket.leMs / 1000) },
      value: bucket.count,
    })),
    { suffix: '_bucket', labels: { le: '+Inf' }, value: count },
    { suffix: '_sum', value: sumMs / 1000 },
    { suffix: '_count', value: count },
  ];
}

/** The names of all metrics. */
export function metricNames(): string[] {
  return FAMILIES.map(({ name }) => name);
}

/**
 * The metrics of one server or client, or of several: those need labels that differ.
 * @throws QWormholeError `ERR_QW_OPTION_INVALID` for labels that Prometheus does not take.
 */
export function metricsText(sources: readonly MetricsSource[]): string {
  const seen = new Set<string>();
  for (const { telemetry, labels = {} } of sources) {
    checkLabels(labels);
    const key = JSON.stringify([telemetry.role, Object.entries(labels).sort()]);
    if (seen.has(key)) throw invalidOption('labels', labels, 'must differ between sources of the same role');
    seen.add(key);
  }
  return FAMILIES.map((metric) => textOf(metric, sources)).join('');
}

function textOf({ name, kind, help, samples }: Family, sources: readonly MetricsSource[]): string {
  const lines = sources.flatMap(({ telemetry, labels }) => {
    const { role, mode, backend, io } = telemetry;
    const own = { role, ...(name === 'qwormhole_info' && { mode, backend, ...(io && { io }) }), ...labels };
    return samples(telemetry).map(
      (sample) => `${name}${sample.suffix ?? ''}${braced({ ...own, ...sample.labels })} ${sample.value}\n`,
    );
  });
  return lines.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`;
}

function braced(labels: Labels): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
}
