/** The comparison as text for a terminal. */
import { REFERENCES } from './contestants.mjs';
import { PAIR_US } from './published.mjs';
import { table } from './table.mjs';

const name = { title: 'server', text: (row) => row.name, left: true };
const note = {
  title: '',
  text: (row) => (row.skipped ? `skipped: ${row.reason}` : (row.error ?? row.label)),
  left: true,
};
const spread = {
  title: 'spread',
  text: (row) => (row.runs?.length > 1 ? `${(row.spread * 100).toFixed(0)} %` : undefined),
};

const PLURAL = { msg: 'messages', delivery: 'deliveries', visit: 'visits', handshake: 'handshakes' };

const whole = (value) => value && Math.round(value).toLocaleString('en');
const megabytes = (value) => value && (value / 1e6).toFixed(1);

function columns({ workload: { unit, wire, weighs } }) {
  const ratios = REFERENCES[wire].map((reference) => ({
    title: `x ${reference}`,
    text: (row) => row.ratios[reference]?.toFixed(2),
  }));
  const cpu = { title: `CPU us/${unit}`, text: (row) => row.cpuUs?.toFixed(3) };
  const memory = { title: 'RSS MB', text: (row) => megabytes(row.memory) };
  if (weighs) {
    return [
      name,
      { title: 'bytes each', text: (row) => whole(row.perConnection) },
      ...ratios,
      { title: 'after use', text: (row) => whole(row.perUsedConnection) },
      memory,
      { title: 'opened/s', text: (row) => whole(row.openedPerSecond) },
      cpu,
      spread,
      note,
    ];
  }
  return [
    name,
    { title: `${PLURAL[unit]}/s`, text: (row) => whole(row.messagesPerSecond) },
    cpu,
    { title: 'JS thread', text: (row) => row.javascriptUs?.toFixed(3) },
    ...ratios,
    spread,
    memory,
    { title: 'batch', text: (row) => row.messagesPerBatch?.toFixed(1) },
    { title: 'p50 us', text: (row) => row.p50Us?.toFixed(0) },
    { title: 'p99 us', text: (row) => row.p99Us?.toFixed(0) },
    note,
  ];
}

/** The whole report: conditions, table, published figures. */
export function render(result) {
  return [conditions(result), table(columns(result), result.servers), orientation(result)].join('\n\n');
}

function conditions({ scenario, workload, runs, seconds, pinning, machine }) {
  const { shape, weighs } = workload;
  return `${scenario}: ${shape}; medians of ${runs} runs of ${seconds} s; ${where(pinning)}
${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}
${weighs ? ABOUT_MEMORY : ABOUT_TIME}`;
}

function where({ server, load, reason }) {
  if (reason) return `NOT PINNED (${reason}): not comparable with pinned figures`;
  return server === load
    ? `server and load on core ${server}`
    : `server on core ${server}, load on core ${load}`;
}

const ABOUT_TIME = `CPU is the server's whole process, user and system; JS thread is its main thread alone. Everything is
checked byte for byte. Latency is that of a full window, mostly queueing; batch is how many messages
the load generator found at once. Differences below 15 % (40 % in e4) mean nothing.`;

const ABOUT_MEMORY = `Bytes each are the growth of the server's resident memory by the connections, which the kernel's buffers are
no part of; after use, when each has had one message and its reply. CPU is that of opening. All are held
open to the end and must answer then.`;

function orientation({ scenario, workload, published, machine }) {
  if (published.length === 0) return '';
  const pair =
    machine.pairUs &&
    `; one send + receive pair: ${PAIR_US.toFixed(1)} us there, ${machine.pairUs.toFixed(1)} us here`;
  const lines = published.map(({ label, figure }) => `  ${figure.padStart(8)}  published: ${label}`);
  return [
    `Published earlier for ${scenario}, ${workload.weighs ? 'bytes each' : `CPU us/${workload.unit}`} (quiet 2-core VM, Node 20.20, pinned${pair ?? ''}):`,
    ...lines,
  ].join('\n');
}
