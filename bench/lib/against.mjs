/** A run beside an earlier one: what got worse by more than the noise. */
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

/** What has changed, in words: a line each. */
export function changes(compared) {
  const percent = (part) => `${(part * 100).toFixed(0)} %`;
  const lines = compared
    .filter(({ isWorse, isBetter }) => isWorse || isBetter)
    .map(({ record, old, change, noise, isWorse }) => {
      const { name } = record.figure;
      const values = `${valueAt(old, name).toPrecision(3)} -> ${valueAt(record, name).toPrecision(3)}`;
      const where = `${record.scenario}  ${record.cell}${record.io ? `, ${record.io}` : ''}`;
      const sign = change > 0 ? '+' : '';
      return `${isWorse ? 'WORSE ' : 'better'}  ${where}  ${meaning(name)}: ${values} (${sign}${percent(change)}, noise ${percent(noise)})`;
    });
  const rest = `${compared.length} cells compared, ${compared.length - lines.length} within the noise`;
  return [...lines, rest].join('\n');
}
