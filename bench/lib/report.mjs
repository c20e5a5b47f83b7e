/** The comparison as text for a terminal. */
import { REFERENCE } from './contestants.mjs';
import { PAIR_US } from './published.mjs';

const COLUMNS = [
  { title: 'server', text: (row) => row.name, left: true },
  {
    title: 'messages/s',
    text: (row) => row.messagesPerSecond && Math.round(row.messagesPerSecond).toLocaleString('en'),
  },
  { title: 'CPU us/msg', text: (row) => row.cpuUs?.toFixed(3) },
  { title: 'JS thread', text: (row) => row.javascriptUs?.toFixed(3) },
  { title: `x ${REFERENCE}`, text: (row) => row.ratio?.toFixed(2) },
  {
    title: 'spread',
    text: (row) => (row.runs?.length > 1 ? `${(row.spread * 100).toFixed(0)} %` : undefined),
  },
  { title: 'batch', text: (row) => row.messagesPerBatch?.toFixed(1) },
  { title: 'p50 us', text: (row) => row.p50Us?.toFixed(0) },
  { title: 'p99 us', text: (row) => row.p99Us?.toFixed(0) },
  {
    title: '',
    text: (row) => (row.skipped ? `skipped: ${row.reason}` : (row.error ?? row.label)),
    left: true,
  },
];

/** The whole report: conditions, table, published figures. */
export function render(result) {
  return [conditions(result), table(result.servers), orientation(result)].join('\n\n');
}

function conditions({ scenario, shape, runs, seconds, pinning, machine }) {
  const where = pinning.reason
    ? `NOT PINNED (${pinning.reason}): not comparable with pinned figures`
    : `server on core ${pinning.server}, load on core ${pinning.load}`;
  return `${scenario}: ${shape}; medians of ${runs} runs of ${seconds} s; ${where}
${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}
CPU is the server's whole process, user and system; JS thread is its main thread alone. Every reply is
checked byte for byte. Latency is that of a full window, mostly queueing; batch is how many replies
the load generator found at once. Differences below 15 % (40 % in e4) mean nothing.`;
}

function table(rows) {
  const cells = [
    COLUMNS.map((column) => column.title),
    ...rows.map((row) => COLUMNS.map((column) => column.text(row) ?? '-')),
  ];
  const widths = COLUMNS.map((_, index) => Math.max(...cells.map((line) => line[index].length)));
  const pad = (text, index) =>
    COLUMNS[index].left ? text.padEnd(widths[index]) : text.padStart(widths[index]);
  return cells.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

function orientation({ scenario, published, machine }) {
  const pair =
    machine.pairUs &&
    `; one send + receive pair: ${PAIR_US.toFixed(1)} us there, ${machine.pairUs.toFixed(1)} us here`;
  const lines = published.map(({ label, cpuUs }) => `  ${cpuUs.padStart(8)}  published: ${label}`);
  return [
    `Published earlier for ${scenario}, CPU us/msg (quiet 2-core VM, Node 20.20, pinned${pair ?? ''}):`,
    ...lines,
  ].join('\n');
}
