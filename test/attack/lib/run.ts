/** Runs rows of the checklist: each entry on a connection of its own, and all of a row before one oracle. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, it, type TestContext } from 'vitest';
import { useTestCertificates } from '../../support/environment.js';
import { Scene } from './scene.js';
import { SEED } from './random.js';
import type { Entry, Family, Role } from './rows.js';
import { Target, type Backend } from './target.js';

/** What the table has of a test. */
export interface Line {
  row: string;
  what: string;
  backend: string;
  role: string;
  /** ms: the median and the longest. */
  witness?: readonly [number, number];
  notes: string[];
  differs: string[];
  seed: number;
}

declare module 'vitest' {
  interface TaskMeta {
    attack?: Line;
  }
}

const {
  QWORMHOLE_NATIVE: wish = '',
  QWORMHOLE_ATTACK_LONG: isLongWanted,
  QWORMHOLE_ATTACK_ONLY: only,
} = process.env;
const isNative =
  !['0', 'disable', 'force-ts'].includes(wish) &&
  existsSync(fileURLToPath(new URL('../../../native/binding.cjs', import.meta.url)));
export const BACKENDS: readonly Backend[] = ['ts', 'native', 'inline'];
const chosen = only?.split(',');

/** Said of tests that are there, and of no row that is asked for: they are in no table. */
const NOT_ASKED = 'not asked for';

/** More than any takes on a machine that is not busy, by far, ms. */
const QUICK_MS = 60_000;
const LONG_MS = 300_000;

function reasonToSkip(backend: Backend): string | undefined {
  if (backend !== 'ts' && !isNative) return 'no native backend';
  if (backend === 'inline' && process.platform !== 'linux') return 'inline I/O is for Linux';
  return undefined;
}

/** All rows of some families, on every backend. */
export function attack(...families: Family[]): void {
  useTestCertificates();
  if (families.every((family) => rowsOf(family).length === 0)) it.skip(NOT_ASKED);
  for (const backend of BACKENDS) {
    describe(backend, () => {
      let target: Target | undefined;
      beforeAll(async () => {
        if (reasonToSkip(backend) === undefined) target = await Target.start(backend);
      });
      afterAll(() => target?.kill());
      for (const family of families)
        for (const [id, entries] of rowsOf(family)) {
          const isLong = entries.some((entry) => entry.isLong);
          for (const role of rolesOf(family, entries))
            it(`${id} ${family.name}, ${role}`, { timeout: isLong ? LONG_MS : QUICK_MS }, async (test) => {
              const line = lineOf(test, { row: id, backend, role }, family, entries);
              const reason =
                reasonToSkip(backend) ?? (isLong && !isLongWanted ? 'long: npm run attack' : undefined);
              if (reason !== undefined) return test.skip(reason);
              await onTarget(target!, family, (attacked) =>
                runRow({ target: attacked, family, entries, role, line }),
              );
            });
        }
    });
  }
}

/** The target that all rows share, or one of its own. */
async function onTarget(
  shared: Target,
  { descriptors }: Family,
  action: (target: Target) => Promise<void>,
): Promise<void> {
  if (descriptors === undefined) return await action(shared);
  const own = await Target.start(shared.backend, { descriptors });
  try {
    await action(own);
  } finally {
    own.kill();
  }
}

/** The line of a test that needs no family: it is skipped where its backend is not there, or another row is asked for. */
export function alone(test: TestContext, row: string, what: string, backend: Backend): Line {
  const line: Line = { row, what, backend, role: 'server', notes: [], differs: [], seed: SEED };
  test.task.meta.attack = line;
  const isChosen = chosen?.includes(row) ?? true;
  const reason = isChosen ? reasonToSkip(backend) : NOT_ASKED;
  if (reason !== undefined) test.skip(reason);
  return line;
}

interface Run {
  readonly target: Target;
  readonly family: Family;
  readonly entries: readonly Entry[];
  readonly role: Role;
  readonly line: Line;
}

async function runRow({ target, family, entries, role, line }: Run): Promise<void> {
  const scene = await Scene.set(target, family, entries, role, line);
  try {
    for (const entry of entries) await scene.play(entry);
    await scene.judge(entries);
  } catch (error) {
    const again = `node scripts/attack.mjs --only ${line.row} --seed ${SEED}`;
    throw Object.assign(error as Error, { message: `${(error as Error).message}\nAgain: ${again}` });
  } finally {
    await scene.clear();
  }
}

/** Entries of one row that have the same options, and so one server, together. */
function rowsOf({ entries }: Family): [string, Entry[]][] {
  const rows = new Map<string, [string, Entry[]]>();
  for (const entry of entries) {
    if (chosen !== undefined && !chosen.includes(entry.id)) continue;
    const { id, options, counter, isLong, roles } = entry;
    const key = JSON.stringify([id, options, String(counter), isLong, roles]);
    const row = rows.get(key);
    if (row === undefined) rows.set(key, [id, [entry]]);
    else row[1].push(entry);
  }
  return [...rows.values()];
}

function rolesOf(family: Family, [first]: Entry[]): readonly Role[] {
  return first.roles ?? family.roles ?? ['server', 'client'];
}

function lineOf(
  { task }: TestContext,
  where: Pick<Line, 'row' | 'backend' | 'role'>,
  family: Family,
  entries: readonly Entry[],
): Line {
  const what = `${family.name}: ${entries.map((entry) => entry.what).join(', ')}`;
  const differs = entries.flatMap((entry) => entry.differs ?? []);
  return (task.meta.attack = { ...where, what, notes: [], differs, seed: SEED });
}
