/** A reporter for vitest: it writes what failed, a paragraph each, into the file that FAILED_TESTS names. */
import { writeFileSync } from 'node:fs';
import process from 'node:process';

export default class FailedTests {
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
