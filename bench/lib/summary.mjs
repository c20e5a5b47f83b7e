/** Many runs of one server boiled down to one row of figures. */

/** The middle value; of an even number, the mean of the two in the middle. Undefined of none. */
export function median(values) {
  const known = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  const middle = known.length >> 1;
  return known.length % 2 === 1 ? known[middle] : mean(known[middle - 1], known[middle]);
}

function mean(a, b) {
  return a === undefined ? undefined : (a + b) / 2;
}

/** Medians over a server's runs; `spread` is how far its runs lie apart, relative to the median. */
export function summarize({ name, label, javascript }, runs) {
  const cpu = runs.map((run) => run.server?.cpuUs);
  const cpuUs = median(cpu);
  return {
    name,
    label,
    messagesPerSecond: median(runs.map((run) => run.messagesPerSecond)),
    megabytesPerSecond: median(runs.map((run) => run.megabytesPerSecond)),
    cpuUs,
    javascriptUs: javascript ? median(runs.map((run) => run.server?.mainUs)) : undefined,
    memory: median(runs.map((run) => run.server?.memory ?? run.memory?.held)),
    perConnection: median(runs.map((run) => run.memory?.perConnection)),
    perUsedConnection: median(runs.map((run) => run.memory?.perUsedConnection)),
    openedPerSecond: median(runs.map((run) => run.openedPerSecond)),
    spread: cpuUs && (Math.max(...cpu) - Math.min(...cpu)) / cpuUs,
    messagesPerBatch: median(runs.map((run) => run.messagesPerBatch)),
    p50Us: median(runs.map((run) => run.latencyUs?.p50)),
    p99Us: median(runs.map((run) => run.latencyUs?.p99)),
    runs,
  };
}

/** Adds each row's processor time, or memory per connection, relative to each reference's, by its name. */
export function relate(rows, references, { weighs }) {
  const figure = (row) => (weighs ? row?.perConnection : row?.cpuUs);
  const wholes = references.map((name) => [name, figure(rows.find((row) => row.name === name))]);
  const ratios = (row) => wholes.map(([name, whole]) => [name, whole && figure(row) && figure(row) / whole]);
  return rows.map((row) => ({ ...row, ratios: Object.fromEntries(ratios(row)) }));
}
