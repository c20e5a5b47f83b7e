/** Figures that must stay as they are, held against their budgets in a file. */
import { readFileSync, writeFileSync } from 'node:fs';

import { StepError } from './run.mjs';
import { table } from './text.mjs';

/**
 * Prints every figure beside its budget. Throws when one is above its budget and the room over it, has none, or is
 * missing.
 * @param {Record<string, number>} figures by what they are of
 * @param {object} how
 * @param {string} how.file JSON, which has a budget for each
 * @param {string} how.unit
 * @param {(budget: number) => number} how.room what a figure may be off its budget
 * @param {boolean} how.update writes the figures as the new budgets first
 * @param {readonly string[]} [how.left] what could not be measured here
 */
export function holdToBudgets(figures, { file, unit, room, update, left = [] }) {
  const before = JSON.parse(readFileSync(file, 'utf8'));
  const kept = Object.fromEntries(left.filter((name) => name in before).map((name) => [name, before[name]]));
  const budgets = update ? { ...kept, ...figures } : before;
  if (update) writeFileSync(file, `${JSON.stringify(budgets, null, 2)}\n`);
  const rows = Object.entries(figures).map(([name, figure]) => {
    const budget = budgets[name];
    return { name, figure, budget, verdict: judge(figure, budget, room) };
  });
  const cells = rows.map((row) => [row.name, row.figure, row.budget ?? '–', row.verdict]);
  console.log(`\n${table(['path', unit, 'budget', ''], cells)}\n`);
  const gone = Object.keys(budgets).filter((name) => !(name in figures) && !left.includes(name));
  if (gone.length > 0) throw new StepError(`There are budgets for what is not measured: ${gone.join(', ')}.`);
  if (rows.some(({ verdict }) => [NONE, OVER].includes(verdict)))
    throw new StepError('A path costs more than its budget: mend it, or say why and run this with --update.');
}

const NONE = 'no budget';
const OVER = 'TOO MUCH';

function judge(figure, budget, room) {
  if (budget === undefined) return NONE;
  if (figure > budget + room(budget)) return OVER;
  return figure < budget - room(budget) ? 'less: lower the budget' : 'in order';
}
