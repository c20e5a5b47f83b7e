/** Peers that do not read, handlers that do not keep up, connections that come and go. */
import { CANARY } from '../lib/canary.js';
import { Ambush, type Attacker } from '../lib/attacker.js';
import { entry, MIB, WAYS } from '../lib/entries.js';
import type { Family, Stage, Step } from '../lib/rows.js';
import type { Report } from '../lib/target.js';
import { act, deaf, flood, peakBelow, reset, say, when } from '../lib/steps.js';

const LOST = { code: 8, error: 'ERR_QW_CONNECTION_LOST' } as const;

const OFFERED = { bytes: 250 * MIB, size: 65_536 };
/** The defaults of docs/limits.md. */
const [HIGH_WATER, MAX_QUEUED] = [MIB, 4 * MIB];

/** Our end sends to the attacker, which reads nothing, and is told so in time. */
const poured: Step = async ({ target, subject, attacker, backend, note }) => {
  const told = await target.act(subject, 'pour', attacker.port, OFFERED);
  const { firstBackpressure, mostBuffered, sent, backpressure, dropped } = told;
  note(`${mostBuffered} bytes queued at most`);
  // An I/O thread writes while we look.
  const least = backend === 'ts' ? HIGH_WATER : 0;
  if (firstBackpressure < least || firstBackpressure >= HIGH_WATER + OFFERED.size)
    throw new Error(`backpressure began at ${firstBackpressure}`);
  if (mostBuffered > MAX_QUEUED) throw new Error(`${mostBuffered} bytes were queued`);
  if (dropped === 0 || sent + backpressure + dropped !== OFFERED.bytes / OFFERED.size)
    throw new Error(`it does not add up: ${JSON.stringify(told)}`);
};

export const flows: readonly Family[] = WAYS.map((way) => ({
  ...way,
  entries: [
    {
      ...entry('C1', 'reads nothing of 250 MB', LOST, deaf, act('resetPeak'), poured, reset),
      check: peakBelow({ ts: 32 * MIB, native: 16 * MIB }),
    },
  ],
}));

type WayDialect = (typeof WAYS)[number]['dialect'];

/** Those with signs of life. */
const SUBSCRIBERS = 1000;
const PUBLISHED = { count: 1000, size: 64 };
/** In front of each message, bytes; records of qwh have two more for several. */
const HEADS: Readonly<Record<WayDialect, number>> = { 'length-prefixed': 4, qwh: 8, ws: 2 };

/** The attacker takes nothing of what many get; for them that makes no difference. */
const published =
  (way: WayDialect): Step =>
  async (on) => {
    const { target, subject, attacker, dialect } = on;
    const others: Attacker[] = [];
    // From one address: they are told apart by their ports.
    while (others.length < SUBSCRIBERS)
      others.push(...(await Promise.all(Array.from({ length: 100 }, () => on.call()))));
    await Promise.all(others.map((other) => dialect.open(other)));
    const bytesBefore = others.map(({ receivedBytes }) => receivedBytes);
    for (const other of others) other.onData = () => void (other.received = Buffer.alloc(0));
    await target.act(
      subject,
      'subscribe',
      'news',
      [attacker, ...others].map(({ port }) => port),
    );
    await target.act(subject, 'pour', attacker.port, { bytes: 32 * MIB, size: 16_384 });
    const before = droppedIn(await on.report());
    const { accepted, dropped } = await target.act(subject, 'publish', 'news', PUBLISHED);
    const offered = PUBLISHED.count * (SUBSCRIBERS + 1);
    on.note(`${dropped} of ${offered} dropped, all of them the slow one's`);
    if (accepted + dropped !== offered) throw new Error(`${accepted} and ${dropped} are not ${offered}`);
    if (dropped === 0 || dropped > PUBLISHED.count) throw new Error(`${dropped} were dropped`);
    const told = droppedIn(await on.report()) - before;
    if (told !== dropped) throw new Error(`${told} are counted as dropped, not ${dropped}`);
    const all = PUBLISHED.count * (PUBLISHED.size + HEADS[way]);
    const isThere = (): boolean =>
      others.every(({ receivedBytes }, index) => receivedBytes - bytesBefore[index] >= all);
    await when('all of it at the others', isThere, 60_000)(on);
    for (const other of others) other.destroy();
  };

function droppedIn({ stats }: Report): number {
  const reasons: { messages: number }[] = Object.values(stats.dropped);
  return reasons.reduce((sum, { messages }) => sum + messages, 0);
}

export const publications: readonly Family[] = WAYS.map((way) => ({
  ...way,
  roles: ['server'],
  entries: [
    {
      ...entry(
        'C2',
        `one of ${SUBSCRIBERS + 1} subscribers reads nothing`,
        LOST,
        deaf,
        published(way.dialect),
        reset,
      ),
      isCrowd: true,
      isLong: true,
      differs: `${PUBLISHED.count} messages and not 100,000, which are a hundred million deliveries`,
    },
  ],
}));

export const slowReaders: readonly Family[] = WAYS.slice(1).map((way) => ({
  ...way,
  name: `${way.name}, slow readers`,
  options: { heartbeat: { intervalMs: 200, timeoutMs: 500 }, closeTimeoutMs: 300 },
  entries: [
    {
      ...entry(
        'C3',
        'takes nothing more, and says nothing',
        { code: 8, error: 'ERR_QW_HEARTBEAT_TIMEOUT' },
        deaf,
        poured,
        notedAsOver(),
      ),
      differs:
        'there is no time limit for writing: who takes a byte now and then lives, and costs maxQueued at most',
    },
  ],
}));

/** It reads nothing, so that its socket does not tell that it is over. */
function notedAsOver(): Step {
  return async (on) => {
    await when('the end at our side', async () => {
      const { accounts } = await on.report();
      return accounts.some(
        ({ port, closes }) => (on.role === 'client' || port === on.attacker.port) && closes.length > 0,
      );
    })(on);
    on.attacker.destroy();
  };
}

export const closingPolicy: readonly Family[] = WAYS.map((way) => ({
  ...way,
  name: `${way.name}, overflow: close`,
  roles: ['server'],
  options: { overflow: 'close', closeTimeoutMs: 300 },
  entries: [
    entry(
      'C3',
      'reads nothing where the policy is to close',
      { code: 4, error: 'ERR_QW_CLOSE_TIMEOUT' },
      deaf,
      ({ target, subject, attacker }) =>
        target.act(subject, 'pour', attacker.port, { bytes: 32 * MIB, size: 65_536 }),
      notedAsOver(),
    ),
  ],
}));

const MANY = 2000;

export const slowHandlers: readonly Family[] = WAYS.map((way) => ({
  ...way,
  name: `${way.name}, concurrency 4`,
  options: { concurrency: 4, uses: { onMessage: 'slow' } },
  entries: [
    {
      ...entry(
        'C4',
        `${MANY} messages at once for handlers that take time`,
        { lives: true, messages: Array.from({ length: 200 }, (_, index) => `${index}`) },
        say(...Array.from({ length: MANY }, (_, index) => `${index}`)),
      ),
      check: async (on) => {
        const { mostAtWork } = (await on.report()).acts;
        if (mostAtWork > 4) throw new Error(`${mostAtWork} handlers were at work`);
      },
    },
  ],
}));

/** So many bytes while JavaScript does nothing: they wait in the kernel, not in memory of ours. */
export const blocked: Family = {
  name: 'length-prefixed, JavaScript blocked',
  carrier: 'tcp',
  dialect: 'length-prefixed',
  entries: [
    {
      ...entry(
        'F6',
        'floods a thread that is blocked for 1.5 s',
        { lives: true },
        act('resetPeak'),
        async (on) => {
          const isBlocked = on.target.act(on.subject, 'block', 1500);
          await flood(frameOf(on), { count: 1500 })(on);
          await isBlocked;
        },
      ),
      check: peakBelow({ ts: 64 * MIB, native: 32 * MIB }),
      isBlocking: true,
    },
  ],
};

function frameOf(on: Stage): Buffer {
  return on.dialect.pack(on.attacker, Buffer.alloc(64_000));
}

/** Connections that are made, used and ended in every way, so many at a time. */
function churned(rounds: number, count: number): Step {
  return async (on) => {
    for (let round = 0; round < rounds; round += 1) {
      const callers = await Promise.all(
        Array.from({ length: count }, (_, index) => on.call(`127.0.0.${2 + (index % 8)}`)),
      );
      await Promise.all(callers.map((caller) => on.dialect.open(caller)));
      for (const [index, caller] of callers.entries()) {
        if (index % 3 === 0) await caller.write(on.dialect.pack(caller, CANARY));
        if (index % 2 === 0) caller.end();
        else caller.reset();
      }
      await when('the end of all of them', async () => (await on.report()).stats.connections <= 1)(on);
      for (const caller of callers) caller.destroy();
    }
  };
}

export const churn: readonly Family[] = WAYS.map((way) => ({
  ...way,
  roles: ['server'],
  entries: [
    { id: 'C6', what: '5 rounds of 100 connections', expect: {}, isBare: true, steps: [churned(5, 100)] },
    {
      id: 'C6',
      what: '20 rounds of 2,000 connections',
      expect: {},
      isBare: true,
      isCrowd: true,
      isLong: true,
      steps: [churned(20, 2000)],
      differs:
        '2,000 at a time, for 20 rounds and not 100: the slope is what the soak looks at (docs/soak.md)',
    },
  ],
}));

const DIALS = 40;

/** Calls that fail, one way each. */
const failing: Step = async (on) => {
  const silent = await Ambush.lay();
  const urls = [
    ['tcp://127.0.0.1:1', 'ERR_QW_CONNECT_REFUSED'],
    [`tcp://127.0.0.1:${silent.port}`, 'ERR_QW_CONNECT_TIMEOUT'],
    [`tls://127.0.0.1:${silent.port}`, 'ERR_QW_CONNECT_TIMEOUT'],
  ] as const;
  try {
    for (const [url, error] of urls) {
      const options = { connectTimeoutMs: error === 'ERR_QW_CONNECT_TIMEOUT' ? 200 : 10_000 };
      const dials = await Promise.all(Array.from({ length: DIALS }, () => on.target.dial(url, options)));
      for (const { subject } of dials) {
        await when('the failure', async () => (await on.target.report(subject)).outcome !== 'under way')(on);
        const { outcome, stats } = await on.target.report(subject);
        if (outcome !== error || stats.attempts.failed[error] !== 1) throw new Error(`${url}: ${outcome}`);
        await on.target.close(subject);
      }
    }
  } finally {
    silent.close();
  }
};

export const dials: Family = {
  name: 'calls',
  carrier: 'tcp',
  dialect: 'qwh',
  roles: ['server'],
  entries: [
    {
      id: 'C7',
      what: 'calls that are refused or not answered',
      expect: {},
      isBare: true,
      steps: [failing],
      differs: `${3 * DIALS} calls and not 10,000: those that are not answered wait for their time`,
    },
  ],
};
