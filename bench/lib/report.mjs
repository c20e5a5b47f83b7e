/** The records of a scenario as text for a terminal. */
import { REFERENCES } from './contestants.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { table } from './table.mjs';
import { digits, meaning, whole } from './words.mjs';

const UNITS = {
  msg: 'messages',
  delivery: 'deliveries',
  visit: 'visits',
  handshake: 'handshakes',
  connection: 'opened',
};

const shown = (value, text = digits) => (value === null || value === undefined ? undefined : text(value));
const megabytes = (value) => (value / 1e6).toFixed(1);

/** One table; its columns are those that the scenario has figures for. */
export function scenarioTable(records) {
  const [{ scenario, shape, unit, pinned, runs }] = records;
  const place = pinned === null ? 'not pinned' : placeOf(pinned);
  const head = `${scenario}: ${shape}; medians of ${Math.max(runs, ...records.map((each) => each.runs))}; ${place}`;
  const shownOnes = records.filter(({ skipped }) => !skipped);
  return [
    head,
    ...(shownOnes.length > 0 ? [table(columnsOf(shownOnes, unit), shownOnes)] : []),
    ...left(records),
  ].join('\n');
}

/** What could not be measured, a line for each reason. */
function left(records) {
  const reasons = new Map();
  for (const row of records.filter(({ skipped }) => skipped))
    reasons.set(row.reason, [...(reasons.get(row.reason) ?? []), cellOf(row)]);
  return Array.from(reasons, ([reason, cells]) => `skipped: ${cells.join('; ')} (${reason})`);
}

function placeOf({ server, client }) {
  return server === client
    ? `both sides on core ${server}`
    : `server on core ${server}, clients on core ${client}`;
}

function columnsOf(records, unit) {
  const all = [
    { title: `${UNITS[unit]}/s`, text: (row) => shown(row.messagesPerSecond, whole) },
    { title: 'MB/s', text: (row) => shown(row.bytesPerSecond, megabytes) },
    { title: `server us/${unit}`, text: ({ cpuUs }) => shown(cpuUs.server) },
    { title: 'its JS', text: ({ cpuUs }) => shown(cpuUs.serverMain) },
    { title: `client us/${unit}`, text: ({ cpuUs }) => shown(cpuUs.client) },
    { title: 'its JS', text: ({ cpuUs }) => shown(cpuUs.clientMain) },
    { title: 'p50 us', text: ({ latencyUs }) => shown(latencyUs?.p50) },
    { title: 'p99 us', text: ({ latencyUs }) => shown(latencyUs?.p99) },
    { title: 'p99.9 us', text: ({ latencyUs }) => shown(latencyUs?.p999) },
    { title: 'bytes each', text: ({ rss }) => shown(rss.perConnection, whole) },
    { title: 'after use', text: ({ rss }) => shown(rss.perUsedConnection, whole) },
    { title: 'server MB', text: ({ rss }) => shown(rss.server, megabytes) },
    ...REFERENCES[SCENARIOS[records[0].scenario].wire].map((name) => ({
      title: `x ${name}`,
      text: (row) => shown(ratioTo(name, row, records), (ratio) => ratio.toFixed(2)),
    })),
    {
      title: 'spread',
      text: ({ figure, runs }) => (figure && runs > 1 ? `${(figure.spread * 100).toFixed(0)} %` : undefined),
    },
  ];
  const used = all.filter(({ text }) => records.some((row) => text(row) !== undefined));
  const cell = { title: 'server x client', text: cellOf, left: true };
  return [cell, ...used, { title: '', text: remark, left: true }];
}

function cellOf({ server, client, io }) {
  return `${server} x ${client}${io === null ? '' : `, ${io}`}`;
}

/** To the reference that does the same: as a server under the same load, or as a client of the same server. */
function ratioTo(name, { figure, server, client }, records) {
  const isClients = server === 'rust' && client !== 'rust';
  const isPeer = (row) =>
    isClients ? row.server === server && row.client === name : row.client === client && row.server === name;
  const theirs = records.find(isPeer)?.figure?.value;
  return figure && theirs ? figure.value / theirs : undefined;
}

function remark({ failed, reason, label, cell }) {
  if (failed) return `FAILED: ${reason}`;
  return label === cell ? '' : label;
}

/** How to read the tables. */
export const LEGEND = `us/msg is processor time of a whole process, user and system; JS is its JavaScript thread alone. Every message is
checked byte for byte. x NAME is what the scenario is about (${meaning('cpuUs.server')} where nothing else is said)
divided by that of NAME. Differences below 15 % (40 % with large messages), or below the spread, mean nothing.`;
