/** A run beside an earlier one: what got worse by more than the noise, and what is not there any more. */
import { SCENARIOS } from './scenarios.mjs';
import { valueAt } from './record.mjs';
import { meaning } from './words.mjs';

/** How far apart two runs of the same may be on a quiet machine. */
const NOISE = 0.15;

const keyOf = ({ scenario, cell, io, pinned }) => JSON.stringify([scenario, cell, io, pinned]);

/**
 * The noise is the widest of the usual one and of the spread of either's runs.
 * @param {object[]} records
 * @param {object[]} earlier
 */
export function compare(records, earlier) {
  const before = new Map(earlier.map((record) => [keyOf(record), record]));
  const pairs = records.map((record) => ({ record, old: before.get(keyOf(record)) }));
  const both = pairs.filter(({ record, old }) => record.figure && old?.figure?.name === record.figure.name);
  return both.map(({ record, old }) => {
    const change = record.figure.value / old.figure.value - 1;
    const usual = SCENARIOS[record.scenario]?.noise ?? NOISE;
    const noise = Math.max(usual, record.figure.spread, old.figure.spread);
    return { record, old, change, noise, isWorse: change > noise, isBetter: 1 / (1 + change) - 1 > noise };
  });
}

/**
 * What had a figure and has none now, with the reason.
 * @param {object[]} records
 * @param {object[]} earlier
 * @param {(record: object) => boolean} isWanted false for what this run was not to measure
 */
export function lost(records, earlier, isWanted = () => true) {
  const now = new Map(records.map((record) => [keyOf(record), record]));
  const before = new Map(earlier.map((record) => [keyOf(record), record]));
  return [...before.values()]
    .filter((old) => old.figure && isWanted(old))
    .filter((old) => now.get(keyOf(old))?.figure?.name !== old.figure.name)
    .map((old) => ({ old, reason: reasonOf(old, now.get(keyOf(old)), records) }));
}

function reasonOf(old, record, records) {
  if (record?.figure) return `what counts is ${meaning(record.figure.name)} now`;
  if (record) return record.reason ?? 'it has no figure';
  const isOtherwisePinned = records.some((each) => keyOf({ ...each, pinned: old.pinned }) === keyOf(old));
  return isOtherwisePinned ? 'it is pinned otherwise' : 'it was not measured';
}

/** What makes a comparison doubtful: a line for each. */
export function doubts(records, earlier) {
  const told = {
    processor: ({ machine }) => machine.processor,
    'version of Node': ({ versions }) => versions.node,
  };
  return Object.entries(told).flatMap(([what, of]) => {
    const [before, now] = [earlier, records].map((each) => [...new Set(each.map(of))].toSorted().join(', '));
    return before === now ? [] : [`WARNING: another ${what}: ${before} -> ${now}`];
  });
}

const placeOf = ({ scenario, cell, io }) => `${scenario}  ${cell}${io ? `, ${io}` : ''}`;

/** What has changed, in words: a line each. */
export function changes(compared, gone = []) {
  const percent = (part) => `${(part * 100).toFixed(0)} %`;
  const lines = compared
    .filter(({ isWorse, isBetter }) => isWorse || isBetter)
    .map(({ record, old, change, noise, isWorse }) => {
      const { name } = record.figure;
      const values = `${valueAt(old, name).toPrecision(3)} -> ${valueAt(record, name).toPrecision(3)}`;
      const sign = change > 0 ? '+' : '';
      return `${isWorse ? 'WORSE ' : 'better'}  ${placeOf(record)}  ${meaning(name)}: ${values} (${sign}${percent(change)}, noise ${percent(noise)})`;
    });
  const rest = `${compared.length} cells compared, ${compared.length - lines.length} within the noise`;
  const missing = gone.map(({ old, reason }) => `LOST    ${placeOf(old)}: ${reason}`);
  return [...lines, ...missing, rest].join('\n');
}
