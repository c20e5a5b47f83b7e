/**
 * What QWormhole wants to reach, from `bounds.json`, held against records: a row has either a peer and the ratio to it
 * that is allowed (`bound`), or an amount (`limit`); `aim` is what would be better still.
 */
import { readFileSync } from 'node:fs';

import { valueAt } from './record.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { table } from './table.mjs';
import { quantity } from './words.mjs';

/**
 * @typedef {object} Bound
 * @property {string} work
 * @property {string} scenario
 * @property {string} figure
 * @property {string} ours `native` or `ts`
 * @property {string} [io] the poller it is about; else the better one counts
 * @property {string} [peer]
 * @property {string[]} [beside] who is shown beside, without a bound
 * @property {number} [bound]
 * @property {number} [limit]
 * @property {number} [aim]
 */

/** @returns {Bound[]} */
export function readBounds() {
  const rows = JSON.parse(readFileSync(new URL('../bounds.json', import.meta.url), 'utf8'));
  return rows.map((row) => ({ figure: 'cpuUs.server', ours: 'native', ...row }));
}

/** Whether a cell is needed for any of the bounds. */
export function isBound(bounds, cell) {
  return bounds.some(
    (bound) => bound.scenario === cell.scenario && namesOf(bound).some((name) => isOf(bound, name, cell)),
  );
}

/** The bounds that `--scenarios` and `--only` leave: those of which both sides are to be measured. */
export function chosenBounds(bounds, { scenarios, only }) {
  return bounds.filter(
    ({ scenario, ours, peer = ours }) =>
      (scenarios?.includes(scenario) ?? true) && [ours, peer].every((name) => only?.includes(name) ?? true),
  );
}

function namesOf({ ours, peer, beside = [] }) {
  return [ours, peer, ...beside].filter((name) => name !== undefined);
}

/** Where clients are what is looked at, they call the naked loop; servers have the load generator's. */
function isOf({ figure }, name, { server, client }) {
  const isClients = figure === 'cpuUs.client';
  return isClients ? client === name && server === 'rust' : server === name && client === 'rust';
}

/**
 * @param {Bound[]} bounds
 * @param {object[]} records
 */
export function judge(bounds, records) {
  return bounds.map((bound) => {
    const of = (name) =>
      records.filter((each) => each.scenario === bound.scenario && isOf(bound, name, each));
    const ours = best(
      of(bound.ours).filter(({ io }) => bound.io === undefined || io === bound.io),
      bound,
    );
    const peer = bound.peer && best(of(bound.peer), bound);
    const beside = (bound.beside ?? []).map((name) => ({ name, value: best(of(name), bound).value }));
    const measured = bound.peer ? ours.value / peer.value : ours.value;
    const isKnown = Number.isFinite(measured);
    const isReached = isKnown ? measured <= (bound.bound ?? bound.limit) : undefined;
    return {
      bound,
      ours,
      peer,
      beside,
      ratio: bound.peer && measured,
      isReached,
      isAimed: measured <= bound.aim,
    };
  });
}

/** The one with the least of what is looked at. */
function best(records, { figure }) {
  const known = records
    .map((record) => ({ record, value: valueAt(record, figure) }))
    .filter(({ value }) => Number.isFinite(value))
    .toSorted((a, b) => a.value - b.value);
  if (known.length > 0) return known[0];
  return { reason: records.find(({ reason }) => reason)?.reason ?? 'not measured' };
}

const amount = ({ bound }, value) => quantity(bound.figure, value, SCENARIOS[bound.scenario].unit);

const COLUMNS = [
  { title: 'work', text: ({ bound }) => bound.work, left: true },
  { title: 'ours', text: (row) => (row.ours.value ? amount(row, row.ours.value) : '-') },
  { title: 'by', text: ({ ours }) => ours.record && (ours.record.io ?? ours.record.server), left: true },
  { title: 'peer', text: (row) => row.peer && (row.peer.value ? amount(row, row.peer.value) : '-') },
  { title: '', text: ({ bound }) => bound.peer, left: true },
  { title: 'ratio', text: ({ ratio }) => (Number.isFinite(ratio) ? ratio.toFixed(2) : undefined) },
  { title: 'bound', text: (row) => row.bound.bound?.toFixed(2) ?? amount(row, row.bound.limit) },
  {
    title: 'aim',
    text: (row) => row.bound.aim && (row.bound.peer ? row.bound.aim.toFixed(2) : amount(row, row.bound.aim)),
  },
  { title: 'reached', text: verdict, left: true },
];

function verdict({ bound, ours, peer, beside, isReached, isAimed }) {
  const others = beside.map(({ name, value }) => `; ${name}: ${quantity(bound.figure, value)}`).join('');
  if (isReached === undefined) return `not known: ${ours.reason ?? peer?.reason}${others}`;
  return `${isReached ? 'yes' : 'NO'}${isAimed ? ', and the aim' : ''}${others}`;
}

/** Every bound is known and kept: what could not be measured is no success. */
export function areReached(judged) {
  return judged.every(({ isReached }) => isReached === true);
}

/** The table, with a sum and what is not known below. */
export function boundsTable(judged) {
  const count = (wanted) => judged.filter(({ isReached }) => isReached === wanted).length;
  const sum = `${count(true)} reached, ${count(false)} not reached, ${count(undefined)} not known`;
  const unknown = judged.filter(({ isReached }) => isReached === undefined);
  const lines = unknown.map(
    ({ bound, ours, peer }) =>
      `NOT KNOWN  ${bound.work}${bound.peer ? `, beside ${bound.peer}` : ''}: ${ours.reason ?? peer?.reason}`,
  );
  return [table(COLUMNS, judged), '', sum, ...lines].join('\n');
}
