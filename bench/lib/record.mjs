/**
 * One record for each cell: medians over its runs. `docs/performance.md#records` describes it for readers of the
 * files, and `FIELDS` here for programs; a test holds records against it.
 */
import { median } from './summary.mjs';

export const SCHEMA = 1;

const number = (value) => Number.isFinite(value);
const text = (value) => typeof value === 'string' && value !== '';
const orNull = (check) => (value) => value === null || check(value);
const fields = (shape) => (value) => violations(value, shape).length === 0;
const sides = (check) => fields({ server: check, serverMain: check, client: check, clientMain: check });
const histogram = (value) =>
  Array.isArray(value) && value.every((pair) => pair.length === 2 && pair.every(number));
const latency = { mean: number, p50: number, p90: number, p99: number, p999: number, max: number, histogram };

/** Every field of a record and whether a value is one of it. */
export const FIELDS = {
  schema: (value) => value === SCHEMA,
  date: (value) => text(value) && !Number.isNaN(Date.parse(value)),
  scenario: text,
  shape: text,
  cell: text,
  server: text,
  client: text,
  label: text,
  io: orNull((value) => value === 'threads' || value === 'inline'),
  pinned: orNull(fields({ server: number, client: number })),
  unit: text,
  runs: number,
  duration: orNull(number),
  messages: orNull(number),
  bytes: orNull(number),
  messagesPerSecond: orNull(number),
  bytesPerSecond: orNull(number),
  latencyUs: orNull(fields(latency)),
  cpuUs: sides(orNull(number)),
  rss: fields({
    server: orNull(number),
    client: orNull(number),
    perConnection: orNull(number),
    perUsedConnection: orNull(number),
  }),
  figure: orNull(fields({ name: text, value: number, spread: number })),
  facts: (value) => typeof value === 'object' && value !== null,
  skipped: (value) => typeof value === 'boolean',
  reason: orNull(text),
  failed: (value) => typeof value === 'boolean',
  versions: (value) => typeof value === 'object' && text(value?.node),
  machine: (value) => typeof value === 'object' && text(value?.processor) && number(value?.cores),
};

/** What is wrong with a record: a sentence each, none when it is one. */
export function violations(record, shape = FIELDS) {
  if (typeof record !== 'object' || record === null) return ['it is no object'];
  const wrong = Object.entries(shape)
    .filter(([name, check]) => !(Object.hasOwn(record, name) && check(record[name])))
    .map(([name]) => `${name} is ${JSON.stringify(record[name])}`);
  const strange = Object.keys(record).filter((name) => !Object.hasOwn(shape, name));
  const isSilent = shape === FIELDS && (record.skipped || record.failed) && record.reason === null;
  return [
    ...wrong,
    ...strange.map((name) => `${name} is no field`),
    ...(isSilent ? ['there is no reason for what is missing'] : []),
  ];
}

/** What a cell is compared by: what its scenario is about, on the side that it is about. */
export function figureName({ figure }, { server, client }) {
  if (figure !== undefined) return figure;
  return server === 'rust' && client !== 'rust' ? 'cpuUs.client' : 'cpuUs.server';
}

/** The value at a path such as `cpuUs.server`. */
export function valueAt(record, path) {
  return path.split('.').reduce((value, name) => value?.[name], record) ?? undefined;
}

/**
 * @param {import('./plan.mjs').Cell} cell
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {object[]} samples the runs, as `sample.mjs` makes them
 * @param {{ date: string, pinned: object | null, versions: object, machine: object, failure?: string }} about
 */
export function recordOf(cell, scenario, samples, { date, pinned, versions, machine, failure }) {
  const middle = (path) => median(samples.map((sample) => valueAt(sample, path))) ?? null;
  const all = (paths) =>
    Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, middle(path)]));
  const { io, name, server, client, reason, contestant, label } = cell;
  return {
    schema: SCHEMA,
    date,
    scenario: cell.scenario,
    shape: scenario.shape,
    cell: name,
    server,
    client,
    label: label ?? (contestant?.label || name),
    io,
    pinned,
    unit: scenario.unit,
    runs: samples.length,
    duration: middle('seconds'),
    messages: middle('messages'),
    bytes: middle('bytes'),
    messagesPerSecond: middle('messagesPerSecond'),
    bytesPerSecond: middle('bytesPerSecond'),
    latencyUs: latencyOf(samples, middle),
    cpuUs: all({
      server: 'cpuUs.server',
      serverMain: 'cpuUs.serverMain',
      client: 'cpuUs.client',
      clientMain: 'cpuUs.clientMain',
    }),
    rss: all({
      server: 'rss.server',
      client: 'rss.client',
      perConnection: 'rss.perConnection',
      perUsedConnection: 'rss.perUsedConnection',
    }),
    figure: figureOf(samples, figureName(scenario, cell)),
    facts: samples.at(-1)?.facts ?? {},
    skipped: failure === undefined && reason !== undefined,
    reason: failure ?? reason ?? null,
    failed: failure !== undefined,
    versions,
    machine,
  };
}

/** Percentiles are the medians of those of the runs; the histogram has all runs. */
function latencyOf(samples, middle) {
  if (!samples.some(({ latencyUs }) => latencyUs)) return null;
  const names = Object.keys(latency).filter((name) => name !== 'histogram');
  const values = Object.fromEntries(names.map((name) => [name, middle(`latencyUs.${name}`)]));
  const counts = new Map();
  for (const [bound, count] of samples.flatMap(({ latencyUs }) => latencyUs?.histogram ?? []))
    counts.set(bound, (counts.get(bound) ?? 0) + count);
  return { ...values, histogram: [...counts].toSorted(([a], [b]) => a - b) };
}

/** `spread` is how far the runs lie apart, relative to their median. */
function figureOf(samples, name) {
  const values = samples.map((sample) => valueAt(sample, name)).filter(Number.isFinite);
  const value = median(values);
  if (value === undefined || value === 0) return null;
  return { name, value, spread: (Math.max(...values) - Math.min(...values)) / Math.abs(value) };
}
