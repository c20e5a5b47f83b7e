/** Block F: a process that ends with a thousand connections. */
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { Attacker } from './lib/attacker.js';
import { alone, BACKENDS } from './lib/run.js';
import { Target } from './lib/target.js';
import { until } from '../support/wait.js';

const CONNECTIONS = 1000;
/** Some 100 ms are usual, ms. */
const WITHIN_MS = 1000;

let target: Target | undefined;
const attackers: Attacker[] = [];

afterEach(() => {
  for (const attacker of attackers.splice(0)) attacker.destroy();
  target?.kill();
});

const ENDS = [
  { how: 'exit', what: 'process.exit()', code: 7 },
  { how: 'throw', what: 'an exception that nobody catches', code: 1 },
] as const;

it.for(BACKENDS.flatMap((backend) => ENDS.map((end) => ({ backend, ...end }))))(
  'F4 $what with a thousand connections: $backend',
  { timeout: 60_000 },
  async ({ backend, how, what, code }, test) => {
    const line = alone(test, 'F4', `${what} with ${CONNECTIONS} connections`, backend);
    target = await Target.start(backend);
    const { addresses } = await target.serve(['tcp://127.0.0.1:0'], { protocol: 'length-prefixed' });
    const port = Number(new URL(addresses[0]).port);
    while (attackers.length < CONNECTIONS)
      attackers.push(...(await Promise.all(Array.from({ length: 100 }, () => Attacker.call(port)))));
    await until(() => attackers.every(({ port: local }) => local > 0), 'all of them');
    const since = performance.now();
    const ended = once(target.process, 'exit');
    target.act(0, 'exit', how).catch(() => {});
    const [exitCode, signal] = await ended;
    const ms = performance.now() - since;
    line.notes.push(`ended in ${ms.toFixed(0)} ms`);
    expect([exitCode, signal]).toEqual([code, null]);
    expect(ms).toBeLessThan(WITHIN_MS);
    await until(() => attackers.every(({ isClosed }) => isClosed), 'their ends');
  },
);
