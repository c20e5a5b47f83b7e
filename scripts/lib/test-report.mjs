/**
 * A reporter for vitest: a sign of life from time to time, and what failed, a paragraph each, in the file that
 * FAILED_TESTS names.
 */
import { writeFileSync } from 'node:fs';
import process from 'node:process';

import { SIGN_OF_LIFE } from './run.mjs';

export default class TestReport {
  #started = Date.now();
  #shown = Date.now();
  #files = 0;
  #tests = 0;

  onTestModuleEnd(module) {
    this.#files += 1;
    this.#tests += [...module.children.allTests()].length;
    if (Date.now() - this.#shown < SIGN_OF_LIFE) return;
    this.#shown = Date.now();
    const seconds = Math.round((this.#shown - this.#started) / 1000);
    console.log(`  still at it after ${seconds} s: ${this.#tests} tests in ${this.#files} files`);
  }

  onTestRunEnd(modules, unhandledErrors) {
    const failures = modules.flatMap(failuresOf);
    for (const error of unhandledErrors) failures.push(paragraph('outside of any test', [error]));
    writeFileSync(process.env.FAILED_TESTS, JSON.stringify(failures));
  }
}

function failuresOf(module) {
  const place = `${module.project.name}: ${module.relativeModuleId}`;
  const tests = [...module.children.allTests('failed')];
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
  return [
    ...(module.errors().length > 0 ? [paragraph(place, module.errors())] : []),
    ...suites.map((suite) => paragraph(`${place} > ${suite.fullName}`, suite.errors())),
    ...tests.map((test) => paragraph(`${place} > ${test.fullName}`, test.result().errors)),
  ];
}

function paragraph(title, errors) {
  const lines = errors.map(({ message }) => `    ${String(message).split('\n', 1)[0]}`);
  return [title, ...lines].join('\n');
}
