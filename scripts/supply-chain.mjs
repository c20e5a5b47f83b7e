/**
 * What is built in and shipped along: licences, sources, and known vulnerabilities. `node scripts/supply-chain.mjs`
 *
 * Licences and sources are checked from what is installed, without a network. `cargo deny` and the registry's audit say more
 * where they can be had, and are skipped, with the reason, where not. `deny.toml` says what is allowed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Checks } from './lib/checks.mjs';
import { at, bin } from './lib/root.mjs';
import { main, outputOf, quietly, StepError } from './lib/run.mjs';
import { setUp } from './lib/install.mjs';

/** Licences that ask for no more than a notice. */
const ALLOWED = allowed();
const CRATES_IO = 'registry+https://github.com/rust-lang/crates.io-index';

await main(async () => {
  await setUp();
  const checks = new Checks();
  await checks.run('licences of packages', licencesOfPackages);
  if (outputOf('cargo', ['--version']) === undefined) checks.skip('crates', 'no cargo');
  else await checks.run('licences and sources of crates', ofCrates);
  if (outputOf('cargo', ['deny', '--version']) === undefined)
    checks.skip('cargo deny', 'not installed: cargo install cargo-deny --locked');
  else await checks.run('cargo deny', () => silently('cargo deny', 'cargo', ['deny', 'check']));
  await audit(checks);
  checks.summarise();
});

function allowed() {
  const [, list] = /^allow = \[(.*?)^\]/ms.exec(readFileSync(at('deny.toml'), 'utf8')) ?? [];
  return new Set([...(list ?? '').matchAll(/"([^"]+)"/g)].map(([, name]) => name));
}

/** Whether one of the alternatives, or each of the parts, is allowed. */
function isAllowed(licence) {
  const text = licence.replaceAll(/[()]/g, ' ').replaceAll('/', ' OR ');
  // Parts that all hold bind less here than alternatives: only an expression without a disallowed name is sure.
  if (text.includes(' AND ')) return text.split(/ AND | OR /).every((name) => ALLOWED.has(name.trim()));
  return text.split(' OR ').some((name) => ALLOWED.has(name.trim()));
}

/** What users install with the package: its dependencies, and theirs. */
function licencesOfPackages() {
  const seen = new Map();
  const visit = (folder, names) => {
    for (const name of names) {
      if (seen.has(name)) continue;
      const path = join(folder, 'node_modules', name);
      const { license, dependencies = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
      seen.set(name, license);
      visit(path, Object.keys(dependencies));
    }
  };
  visit(at(), Object.keys(JSON.parse(readFileSync(at('package.json'), 'utf8')).dependencies));
  const wrong = [...seen].filter(([, licence]) => !isAllowed(String(licence)));
  if (wrong.length > 0)
    throw new StepError(`Not allowed: ${wrong.map((each) => each.join(': ')).join(', ')}`);
  return [...seen.keys()].join(', ');
}

function ofCrates() {
  const text = outputOf('cargo', ['metadata', '--format-version=1', '--locked', '--all-features']);
  if (text === undefined)
    throw new StepError('cargo metadata failed: crates are missing, and cannot be had.');
  const crates = JSON.parse(text).packages.filter(({ source }) => source !== null);
  const wrong = crates.filter(({ source, license }) => source !== CRATES_IO || !isAllowed(license ?? 'none'));
  if (wrong.length > 0)
    throw new StepError(`Not allowed: ${wrong.map(({ name, license }) => `${name}: ${license}`).join(', ')}`);
  return `${crates.length} crates`;
}

/** It fails both where something was found and where nobody could be asked: only an answer has counts. */
async function audit(checks) {
  try {
    await quietly('Asking the registry', bin('pnpm'), ['audit', '--prod']);
  } catch (error) {
    if (!/\d+ vulnerabilit/.test(error.message)) return checks.skip('audit', 'the registry cannot be asked');
    return checks.run('audit', () => Promise.reject(error));
  }
  return checks.run('audit', () => 'nothing known');
}

async function silently(title, command, args) {
  await quietly(title, command, args);
}
