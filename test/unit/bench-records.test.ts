/** What the bench writes down, and what it makes of it: bench/lib, which is plain JavaScript. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const bench = (name: string) => import(new URL(`../../bench/lib/${name}.mjs`, import.meta.url).href);
const { FIELDS, recordOf, violations } = await bench('record');
const { changes, compare, doubts, lost } = await bench('against');
const { areReached, boundsTable, chosenBounds, isBound, judge, readBounds } = await bench('bounds');
const { isChosen, plan } = await bench('plan');
const { pollers } = await bench('pollers');
const { SCENARIOS } = await bench('scenarios');
const { picture } = await bench('picture');

const ABOUT = {
  date: '2026-11-30T00:00:00.000Z',
  pinned: { server: 0, client: 1 },
  versions: { node: '20.20.2', qwormhole: '0.1.0', native: null },
  machine: { processor: 'one', cores: 2, memoryBytes: 1, system: 'Linux' },
};

interface Which {
  readonly scenario?: string;
  readonly server?: string;
  readonly client?: string;
  readonly io?: string | null;
}

/** A record of runs that cost so much each, us/message of the server. */
function cost(
  values: number[],
  { scenario = 'e2', server = 'native', client = 'rust', io = null }: Which = {},
) {
  const name = `${server}-server x ${client}-client`;
  const latencyUs = { mean: 2, p50: 1, p90: 2, p99: 3, p999: 4, max: 5, histogram: [[1, 10]] };
  const rest = {
    seconds: 1,
    messages: 10,
    bytes: 640,
    messagesPerSecond: 10,
    bytesPerSecond: 640,
    latencyUs,
  };
  const samples = values.map((us) => ({ ...rest, cpuUs: { server: us }, rss: { server: 1 }, facts: {} }));
  return recordOf({ scenario, server, client, io, name }, SCENARIOS[scenario], samples, ABOUT);
}

test('what is measured, what is left out and what fails is a record each', () => {
  const measured = cost([1, 3, 2]);
  expect(violations(measured)).toEqual([]);
  expect(measured.figure).toEqual({ name: 'cpuUs.server', value: 2, spread: 1 });
  expect(measured.latencyUs.histogram).toEqual([[1, 30]]);
  const cell = { scenario: 'e2', server: 'bun', client: 'rust', io: null, name: 'bun-server x rust-client' };
  const skipped = recordOf({ ...cell, reason: 'not here' }, SCENARIOS.e2, [], ABOUT);
  expect(violations(skipped)).toEqual([]);
  expect(skipped).toMatchObject({ skipped: true, failed: false, reason: 'not here', figure: null });
  const failed = recordOf(cell, SCENARIOS.e2, [], { ...ABOUT, failure: 'a wrong byte' });
  expect(violations(failed)).toEqual([]);
  expect(failed).toMatchObject({ skipped: false, failed: true, reason: 'a wrong byte' });
});

test('what is no record is told by its fields', () => {
  const { unit: _, ...short } = cost([1]);
  expect(violations(short)).toEqual(['unit is undefined']);
  expect(violations({ ...cost([1]), more: 1 })).toEqual(['more is no field']);
  expect(violations({ ...cost([1]), io: 'magic' })).toEqual(['io is "magic"']);
  expect(violations({ ...cost([1]), latencyUs: { p50: 1 } })).toHaveLength(1);
  expect(violations({ ...cost([1]), skipped: true })).toEqual(['there is no reason for what is missing']);
});

test('every field is described in the documentation', () => {
  const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
  const described = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  expect(described).toEqual(expect.arrayContaining(Object.keys(FIELDS)));
});

test('worse is what is beyond the noise of both runs', () => {
  const verdict = (values: number[], earlier: number[]) => {
    const [{ isWorse, isBetter }] = compare([cost(values)], [cost(earlier)]);
    return isWorse ? 'worse' : isBetter ? 'better' : 'noise';
  };
  expect(verdict([1.1], [1])).toBe('noise');
  expect(verdict([1.2], [1])).toBe('worse');
  expect(verdict([1], [1.2])).toBe('better');
  // Runs that are half of it apart say nothing about a fifth.
  expect(verdict([1.2], [0.75, 1, 1.25])).toBe('noise');
  expect(compare([cost([1])], [cost([1], { server: 'ts' })])).toEqual([]);
});

test('what had a figure and has none now is lost, with the reason, unless it was left out', () => {
  const reasons = (records: object[], earlier: object[], isWanted?: (record: object) => boolean) =>
    lost(records, earlier, isWanted).map(({ reason }: { reason: string }) => reason);
  const old = cost([1]);
  const without = { scenario: 'e2', server: 'native', client: 'rust', io: null, name: old.cell };
  const skipped = recordOf({ ...without, reason: 'not here' }, SCENARIOS.e2, [], ABOUT);
  const failed = recordOf(without, SCENARIOS.e2, [], { ...ABOUT, failure: 'a wrong byte' });
  const other = cost([1], { server: 'ts' });
  expect(reasons([cost([9])], [old])).toEqual([]);
  expect(reasons([skipped], [old])).toEqual(['not here']);
  expect(reasons([failed], [old])).toEqual(['a wrong byte']);
  expect(reasons([other], [old, other])).toEqual(['it was not measured']);
  expect(reasons([{ ...old, pinned: null }], [old])).toEqual(['it is pinned otherwise']);
  expect(reasons([other], [skipped, failed])).toEqual([]);
  expect(reasons([other], [old], (each) => isChosen({ only: ['ts'] }, each))).toEqual([]);
  expect(reasons([other], [old], (each) => isChosen({ scenarios: ['e1'] }, each))).toEqual([]);
  const said = changes([], lost([skipped], [old]));
  expect(said).toContain('LOST    e2  native-server x rust-client: not here');
});

test('what the mode of a run leaves out is not lost', () => {
  const built = { loadgen: { file: 'x' }, addon: { file: 'x' }, tungstenite: { file: 'x' } };
  const recordsOf = (mode: string) =>
    plan({ mode }, built, pollers({ version: '1' })).map((cell: Which) => cost([1], cell));
  const all = recordsOf('all');
  for (const mode of ['core', 'compare', 'all']) {
    const made = recordsOf(mode);
    expect(made.length).toBeGreaterThan(0);
    expect(lost(made, all, (each: object) => isChosen({ mode }, each))).toEqual([]);
    const [first, ...others] = made;
    expect(lost(others, all, (each: object) => isChosen({ mode }, each))).toEqual([
      { old: first, reason: 'it was not measured' },
    ]);
  }
  const quick = recordsOf('quick');
  expect(lost(quick, [...all, ...quick], (each: object) => isChosen({ mode: 'quick' }, each))).toEqual([]);
  expect(lost(all, [...all, ...quick], (each: object) => isChosen({ mode: 'all' }, each))).toEqual([]);
});

test('a poller that cannot be had is left out with the reason that the package gives', () => {
  expect(pollers({ version: '1' })).toEqual([{ io: 'threads' }, { io: 'inline' }]);
  const inlineLack = 'inline I/O needs Linux, and this is darwin';
  const here = pollers({ version: '1', inlineLack });
  expect(here).toEqual([{ io: 'threads' }, { io: 'inline', reason: inlineLack }]);
  const cells = plan({ mode: 'core', scenarios: ['e2'] }, { loadgen: { file: 'x' }, addon: {} }, here);
  const inline = cells.filter(({ io }: Which) => io === 'inline');
  expect(inline.length).toBeGreaterThan(0);
  for (const cell of inline)
    expect(recordOf(cell, SCENARIOS.e2, [], ABOUT)).toMatchObject({ skipped: true, reason: inlineLack });
  const nowhere = pollers({ reason: 'not built', inlineLack });
  expect(nowhere.map(({ reason }: { reason: string }) => reason)).toEqual(['not built', 'not built']);
});

test('another processor or version of Node is warned of', () => {
  const now = cost([1]);
  const machine = { ...now.machine, processor: 'another' };
  expect(doubts([now], [now, now])).toEqual([]);
  expect(doubts([now], [{ ...now, machine }])).toEqual(['WARNING: another processor: another -> one']);
  expect(doubts([now], [{ ...now, versions: { ...now.versions, node: '22.0.0' } }])).toEqual([
    'WARNING: another version of Node: 22.0.0 -> 20.20.2',
  ]);
});

test('a bound that is not known is no success, and is named', () => {
  const bound = {
    work: 'echo',
    scenario: 'e2',
    figure: 'cpuUs.server',
    ours: 'native',
    peer: 'bun',
    bound: 1,
  };
  const bun = cost([2], { server: 'bun' });
  expect(areReached(judge([bound], [cost([1]), bun]))).toBe(true);
  expect(areReached(judge([bound], [cost([3]), bun]))).toBe(false);
  for (const records of [[], [cost([1])], [bun]]) expect(areReached(judge([bound], records))).toBe(false);
  expect(boundsTable(judge([bound], [cost([1])]))).toContain('NOT KNOWN  echo, beside bun: not measured');
});

test('bounds are left out with their scenario or either side', () => {
  const bounds = readBounds();
  const count = (settings: object) => chosenBounds(bounds, settings).length;
  expect(count({})).toBe(bounds.length);
  expect(count({ only: ['native'] })).toBeLessThan(count({ only: ['native', 'bun'] }));
  expect(count({ scenarios: ['ping'] })).toBe(1);
  expect(count({ scenarios: ['ping'], only: ['bun'] })).toBe(0);
});

test('a bound is reached, or not, or not known', () => {
  const bound = {
    work: 'echo',
    scenario: 'e2',
    figure: 'cpuUs.server',
    ours: 'native',
    peer: 'bun',
    bound: 1,
  };
  const bun = cost([2], { server: 'bun' });
  const reached = (records: object[]) => judge([bound], records)[0].isReached;
  expect(reached([cost([2]), bun])).toBe(true);
  expect(reached([cost([2.1]), bun])).toBe(false);
  expect(reached([cost([1])])).toBe(undefined);
  // Of two pollers the better one counts, unless one of them is asked for.
  const both = [cost([3], { io: 'threads' }), cost([1], { io: 'inline' }), bun];
  expect(reached(both)).toBe(true);
  expect(judge([{ ...bound, io: 'threads' }], both)[0].isReached).toBe(false);
  expect(judge([{ ...bound, peer: undefined, bound: undefined, limit: 0.5 }], both)[0].isReached).toBe(false);
});

test('there are cells for every bound', () => {
  const built = { loadgen: { file: 'x' }, addon: { file: 'x' }, tungstenite: { file: 'x' } };
  const cells = plan({ mode: 'compare' }, built, [{ io: 'threads' }, { io: 'inline' }]);
  for (const bound of readBounds()) {
    const wanted = [bound.ours, bound.peer, ...(bound.beside ?? [])].filter(Boolean);
    const found = cells.filter((cell: object) => isBound([bound], cell)) as {
      server: string;
      client: string;
    }[];
    const names = found.map(({ server, client }) => (client === 'rust' ? server : client));
    expect(new Set(names), bound.work).toEqual(new Set(wanted));
  }
});

test('the picture has a bar for each server, and what would break it is escaped', () => {
  const records = [cost([1]), cost([2], { server: 'net' }), cost([4], { server: 'bun' })];
  const svg = picture(
    records.map((each) => ({ ...each, machine: { ...each.machine, processor: 'a < b & c' } })),
  );
  expect(svg.match(/<rect /g)).toHaveLength(3);
  expect(svg).toContain('a &lt; b &amp; c');
  expect(svg).toContain('0.50  (1.00 us/msg)');
});
