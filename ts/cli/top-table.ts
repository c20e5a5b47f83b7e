/** What `qwormhole top` shows: a line for each server and client that an endpoint has metrics of. */
import { OWN_LABELS } from '../telemetry/labels.js';
import { escapeText } from './escape.js';
import type { MetricSample } from './samples.js';

/** A name is cut where it would push the figures out of sight. */
const MAX_NAME = 40;

/** The metrics of one server or client: those that differ by labels of our own are added up. */
interface Source {
  readonly name: string;
  readonly values: ReadonlyMap<string, number>;
}

/** What was read, and when, ms. */
export interface Reading {
  readonly at: number;
  readonly sources: readonly Source[];
}

interface Column {
  readonly title: string;
  /** `undefined` where the source does not have it. */
  text(now: Source, before: Source | undefined, seconds: number): string | undefined;
}

const COLUMNS: readonly Column[] = [
  gauge('conns', 'qwormhole_connections', 'qwormhole_connected'),
  rate('in/s', 'qwormhole_messages_received_total'),
  rate('out/s', 'qwormhole_messages_accepted_total'),
  rate('in MB/s', 'qwormhole_received_bytes_total', 1e6),
  rate('out MB/s', 'qwormhole_written_bytes_total', 1e6),
  gauge('queued B', 'qwormhole_buffered_bytes'),
  rate('dropped/s', 'qwormhole_messages_dropped_total'),
  rate('pressure/s', 'qwormhole_backpressures_total'),
  rate('new/s', 'qwormhole_connections_accepted_total', 1, 'qwormhole_connects_total'),
];

/** The metrics of this library in a text. */
export function readingOf(samples: readonly MetricSample[], at: number): Reading {
  const byName = new Map<string, Map<string, number>>();
  for (const { name, labels, value } of samples) {
    if (!name.startsWith('qwormhole_') || name.endsWith('_bucket')) continue;
    const source = nameOf(labels);
    const values = byName.get(source) ?? new Map<string, number>();
    values.set(name, (values.get(name) ?? 0) + value);
    byName.set(source, values);
  }
  return { at, sources: Array.from(byName, ([name, values]) => ({ name, values })) };
}

/** A table; rates are since the reading before. */
export function topTable(now: Reading, before: Reading | undefined): string {
  const seconds = before === undefined ? 0 : (now.at - before.at) / 1000;
  const rows = now.sources.map((source) => {
    const earlier = before?.sources.find(({ name }) => name === source.name);
    return [source.name, ...COLUMNS.map((column) => column.text(source, earlier, seconds) ?? '-')];
  });
  const lines = [['', ...COLUMNS.map(({ title }) => title)], ...rows];
  const widths = lines[0].map((_, at) => Math.max(...lines.map((line) => line[at].length)));
  const pad = (text: string, at: number): string =>
    at === 0 ? text.padEnd(widths[at]) : text.padStart(widths[at]);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

/** `server`, or `server name=chat` where labels were given. */
function nameOf(labels: MetricSample['labels']): string {
  const { role = '?', ...others } = labels;
  const own = Object.entries(others)
    .filter(([name]) => !OWN_LABELS.has(name))
    .map(([name, value]) => `${name}=${value}`);
  const name = escapeText([role, ...own].join(' '));
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}

function gauge(title: string, ...names: readonly string[]): Column {
  return { title, text: (now) => figure(valueOf(now, names)) };
}

function rate(title: string, name: string, unit = 1, otherName = name): Column {
  return {
    title,
    text: (now, before, seconds) => {
      const value = valueOf(now, [name, otherName]);
      const earlier = before && valueOf(before, [name, otherName]);
      if (value === undefined || earlier === undefined || seconds <= 0) return undefined;
      // A counter that falls begins anew, with the process.
      return figure((value < earlier ? value : value - earlier) / seconds / unit);
    },
  };
}

function valueOf({ values }: Source, names: readonly string[]): number | undefined {
  const name = names.find((each) => values.has(each));
  return name === undefined ? undefined : values.get(name);
}

function figure(value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) && Math.abs(value) < 10) return value.toFixed(2);
  return Math.round(value).toLocaleString('en');
}
