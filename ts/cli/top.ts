/** `qwormhole top`: the metrics of a running server, as a table that renews itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { quote } from './arguments.js';
import type { Command } from './command.js';
import type { Context } from './context.js';
import { jsonLine } from './dialect.js';
import { describeError } from './failure.js';
import { parseSamples } from './samples.js';
import { readingOf, topTable, type Reading } from './top-table.js';
import { UsageError } from './usage-error.js';

/** More is not what a server says of itself, bytes. */
const MAX_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 5_000;
const INTERVAL = { unit: 's', min: 100, max: 3_600_000, default: 1_000 } as const;
const COUNT = { min: 0, max: 1_000_000, default: 0 };
/** Clears the terminal and goes to its upper left corner. */
const CLEAR = '\x1b[2J\x1b[H';

export const top: Command = {
  name: 'top',
  summary: 'show the metrics of a running server as a table',
  usage: '<url> [options]',
  description:
    'Reads metrics in the format of Prometheus, such as those of qwormhole listen --metrics, again and again, and\n' +
    'shows a line for each server and client in them. Rates are those since the reading before.',
  options: {
    interval: { value: 'time', help: 'time between readings; default 1s' },
    count: { value: 'number', help: 'end after so many tables; default 0, never' },
    json: { help: 'print a line of JSON for each reading' },
  },
  examples: [
    ['qwormhole top http://127.0.0.1:9100/metrics', 'what a server is doing'],
    ['qwormhole top http://127.0.0.1:9100/metrics --count 2', 'two tables, a second apart'],
  ],

  async run(given, context) {
    const url = urlOf(given.positionals);
    const interval = given.duration('interval', INTERVAL);
    const count = given.integer('count', COUNT);
    const stop = context.stopOnSignals();
    let before: Reading | undefined;
    for (let shown = 1; !stop.aborted; shown += 1) {
      // A server that is away for a moment is waited for, once it was there.
      const reading = await read(url, stop).catch((error: unknown) => {
        if (before === undefined && !stop.aborted) throw error;
        if (!stop.aborted) context.note(describeError(error));
      });
      if (reading !== undefined) show(reading, before, url, given.has('json'), context);
      before = reading ?? before;
      if (shown === count) break;
      await sleep(interval, undefined, { signal: stop }).catch(() => {});
    }
    return 0;
  },
};

function urlOf([text, ...more]: readonly string[]): URL {
  if (text === undefined) throw new UsageError('the URL is missing, such as http://127.0.0.1:9100/metrics');
  if (more.length > 0) throw new UsageError(`there is more than one URL: ${quote(more[0])}`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new UsageError(`${quote(text)} is not a URL such as http://127.0.0.1:9100/metrics`);
}

async function read(url: URL, stop: AbortSignal): Promise<Reading> {
  // A timeout that is only part of another signal is collected as garbage before its time by Node 20.
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error(`no answer within ${ANSWER_MS / 1000} s`));
  const timer = setTimeout(abort, ANSWER_MS);
  stop.addEventListener('abort', abort);
  try {
    return await readWithin(url, controller.signal);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', abort);
  }
}

async function readWithin(url: URL, signal: AbortSignal): Promise<Reading> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    throw new Error(`cannot read ${url.href}: ${reasonOf(error)}`, { cause: error });
  }
  if (!response.ok) throw new Error(`${url.href} answers ${response.status}`);
  const reading = readingOf(parseSamples(await textOf(response, url)), performance.now());
  if (reading.sources.length === 0) throw new Error(`${url.href} has no metrics of qwormhole`);
  return reading;
}

/** The body, which may not be without end. */
async function textOf(response: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > MAX_BYTES) throw new Error(`${url.href} says more than ${MAX_BYTES} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString();
}

/** What is underneath says more than `fetch failed`. */
function reasonOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause ?? error;
  const { code, message } = cause as { code?: string; message?: string };
  return code ?? message ?? String(cause);
}

function show(
  reading: Reading,
  before: Reading | undefined,
  url: URL,
  asJson: boolean,
  { out }: Context,
): void {
  if (asJson) {
    const sources = reading.sources.map(({ name, values }) => ({ name, ...Object.fromEntries(values) }));
    out.line(jsonLine({ sources }));
    return;
  }
  const clear = process.stdout.isTTY ? CLEAR : '';
  out.line(`${clear}${url.href}\n\n${topTable(reading, before)}`);
}
