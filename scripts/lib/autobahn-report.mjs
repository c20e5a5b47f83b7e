/** What the Autobahn TestSuite found: for the terminal, and for docs/conformance.md. */
import { circumstances, writePart } from './page.mjs';
import { table } from './text.mjs';

/** Verdicts that the suite itself takes for conforming. */
const GOOD = ['OK', 'NON-STRICT', 'INFORMATIONAL'];
const GOOD_CLOSE = ['OK', 'INFORMATIONAL'];

const HEAD = ['Testee', 'Role', 'Cases', ...GOOD, 'FAILED', 'UNIMPLEMENTED', 'Not run', 'Bad close', 'Time'];

/** How many bad cases of a testee are told one by one. */
const TOLD = 25;

/** Whether each selected case ran and conforms, its close included. */
export function isConforming({ cases }) {
  return cases.length > 0 && cases.every((one) => isGood(one));
}

function isGood({ behavior, close }) {
  return GOOD.includes(behavior) && GOOD_CLOSE.includes(close);
}

/** One row for each run. */
export function summary(runs) {
  return table(HEAD, runs.map(row));
}

function row({ label, role, result: { cases, seconds } }) {
  const count = (...words) => cases.filter(({ behavior }) => words.includes(behavior)).length;
  const known = [...GOOD, 'FAILED', 'UNIMPLEMENTED'];
  const counts = known.map((word) => count(word));
  const other = cases.filter(({ behavior }) => !known.includes(behavior)).length;
  const badClose = cases.filter(({ close }) => close !== 'MISSING' && !GOOD_CLOSE.includes(close)).length;
  return [label, role, cases.length, ...counts, other, badClose, `${Math.round(seconds)} s`];
}

/** What is to be looked at: bad cases with the suite's reason, and which are only not strict. */
export function findings(runs) {
  return runs.flatMap(({ label, role, result: { cases, fault, complaint } }) => {
    const bad = cases.filter((one) => !isGood(one));
    const lines = bad.slice(0, TOLD).map(({ id, behavior, close, why }) => {
      return `  ${id}: ${behavior}, close ${close}: ${why.trim()}`.slice(0, 300);
    });
    if (bad.length > TOLD) lines.push(`  … and ${bad.length - TOLD} more`);
    if (fault) lines.push(`  ${fault}`);
    if (bad.length > 0 && complaint) lines.push(`  it said: ${complaint.trim()}`);
    const lax = cases.filter(({ behavior }) => behavior === 'NON-STRICT').map(({ id }) => id);
    if (lax.length > 0) lines.push(`  not strict: ${lax.join(', ')}`);
    return lines.length > 0 ? [`${label} as ${role}:`, ...lines] : [];
  });
}

/** Puts the summary of these runs into the page. */
export function writePage(runs, mode) {
  const lax = findings(runs).map((line) =>
    line.startsWith('  ') ? line.replace(/^ +/, '  - ') : `- ${line}`,
  );
  const notes = lax.length > 0 ? `\n${lax.join('\n')}\n` : '';
  const text = `The ${mode} run of ${circumstances()}:\n\n${summary(runs)}\n${notes}`;
  writePart('conformance.md', 'autobahn', text);
}
