/** The checklist as a table: a reporter for vitest that is told of the rows by the tests themselves. */
import process from 'node:process';
import { fileOf } from './root.mjs';
import { SIGN_OF_LIFE } from './run.mjs';
import { table } from './text.mjs';

/** What is tried, as far as it fits a line. */
const SHOWN_WHAT = 60;
/** Which backend a project of the tests is about. */
const BACKENDS = [
  [/^native-inline/, 'inline'],
  [/^native/, 'native'],
  [/^ts/, 'ts'],
];
const backendOf = (project) => BACKENDS.find(([pattern]) => pattern.test(project))?.[1] ?? 'both';

/** Why a backend cannot be had here. */
function lacks(backend, hasNative) {
  if (backend !== 'native' && backend !== 'inline') return undefined;
  if (!hasNative) return 'no native backend';
  return backend === 'inline' && process.platform !== 'linux' ? 'inline I/O is for Linux' : undefined;
}

export class AttackReport {
  #seed;
  #proved;
  /** Of those proofs which have run, by `keyOf`. */
  #seen = new Set();
  #lines = [];
  #failures = [];
  #shown = Date.now();

  /** @param proved Rows that tests of other projects prove. */
  constructor(seed, proved) {
    this.#seed = seed;
    this.#proved = proved;
  }

  onTestCaseResult(test) {
    const { attack } = test.meta();
    if (attack === undefined || test.result().note === 'not asked for') return;
    const { state, note, errors = [] } = test.result();
    const ms = test.diagnostic()?.duration;
    if (state === 'skipped') this.skip(attack, note);
    else this.add({ ...attack, ms, error: errors.map(({ message }) => message).join('\n') || undefined });
  }

  /** A file of another project, of which all tests are the proof. */
  onTestModuleEnd(module) {
    this.#sayAlive();
    const file = fileOf(module.moduleId);
    const { name } = module.project;
    const tests = [...module.children.allTests()];
    for (const one of this.#proved)
      if (one.file === file && one.projects.includes(name)) this.#addProof(one, name, tests, module.errors());
    if (name === 'attack')
      for (const { message } of module.errors()) this.#failures.push(`${file}: ${message}`);
  }

  /** After all tests: a proof that did not run is none, unless this machine has not what it is about. */
  missing(hasNative) {
    for (const one of this.#proved.filter(({ file }) => file !== undefined))
      for (const project of one.projects.filter((name) => !this.#seen.has(keyOf(one, name)))) {
        const line = lineOf(one, project);
        const reason = lacks(line.backend, hasNative);
        if (reason !== undefined) this.skip(line, reason);
        else this.add({ ...line, error: `no project ${project} has run ${one.file}` });
      }
  }

  /** Faults outside of any test. */
  unhandled(errors) {
    for (const { message, stack } of errors) this.#failures.push(`outside of any test: ${message}\n${stack}`);
  }

  add({ error, ...line }) {
    this.#lines.push({ ...line, verdict: error === undefined ? 'holds' : 'FAILS', error });
    if (error === undefined) return;
    const where = `${line.row} ${line.what} (${line.backend}, ${line.role})`;
    this.#failures.push(`${where}: ${error}`);
    // At once: all of it takes long.
    process.stderr.write(`  FAILS ${shortened(where)}\n`);
  }

  skip(line, reason) {
    this.#lines.push({ backend: '', role: '', ...line, verdict: `skipped: ${reason}` });
  }

  get holds() {
    return this.#failures.length === 0 && this.#lines.some(({ verdict }) => verdict === 'holds');
  }

  print(asJson) {
    const lines = this.#lines.toSorted((a, b) => order(a) - order(b));
    if (asJson) {
      console.log(
        JSON.stringify({ seed: this.#seed, holds: this.holds, lines, failures: this.#failures }, null, 2),
      );
      return;
    }
    const head = ['Row', 'What', 'Backend', 'Role', 'Verdict', 'Time', 'Witness', 'Seen'];
    console.log(`\n${table(head, lines.map(cells))}\n`);
    const differences = new Set(
      lines.flatMap(({ row, differs = [] }) => [differs].flat().map((why) => `${row}: ${why}`)),
    );
    for (const difference of differences) console.log(`Otherwise than the checklist, ${difference}`);
    for (const failure of this.#failures) console.log(`\nFAILS ${failure}`);
    const count = (verdict) => lines.filter((line) => line.verdict.startsWith(verdict)).length;
    const counts = `${count('holds')} hold, ${count('FAILS')} fail, ${count('skipped')} skipped`;
    console.log(`\n${counts}. Seed ${this.#seed}: --seed ${this.#seed} has the random ones again.`);
  }

  #addProof(one, project, tests, errors) {
    const passed = tests.filter((test) => test.result().state === 'passed');
    const failed = tests.filter((test) => test.result().state === 'failed');
    const ms = tests.reduce((sum, test) => sum + (test.diagnostic()?.duration ?? 0), 0);
    this.#seen.add(keyOf(one, project));
    const faults = [
      ...errors.map(({ message }) => message),
      ...failed.map((test) => `${test.fullName}: ${test.result().errors[0]?.message}`),
    ];
    if (passed.length === 0 && faults.length === 0) faults.push(`${one.file} has no test that passed for it`);
    this.add({ ...lineOf(one, project), ms, error: faults.length === 0 ? undefined : faults.join('\n') });
  }

  #sayAlive() {
    if (Date.now() - this.#shown < SIGN_OF_LIFE) return;
    this.#shown = Date.now();
    process.stderr.write(`  still at it: ${this.#lines.length} rows\n`);
  }
}

/** What the table has of a proof. */
function lineOf({ row, what, file, role = 'both', differs }, project) {
  return { row, what, backend: backendOf(project), role, notes: [file], differs };
}

const keyOf = ({ row, what, file }, project) => [row, what, file, project].join(' ');

/** By letter and number. */
function order({ row }) {
  return row.charCodeAt(0) * 1000 + Number(row.slice(1));
}

function cells({ row, what, backend, role, verdict, ms, witness, notes = [] }) {
  const time = ms === undefined ? '' : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
  const latency = witness === undefined ? '' : witness.map((each) => `${each.toFixed(1)} ms`).join(', ');
  return [row, shortened(what), backend, role, verdict, time, latency, shortened(notes.join('; '))];
}

function shortened(text) {
  return text.length <= SHOWN_WHAT ? text : `${text.slice(0, SHOWN_WHAT - 1)}…`;
}
