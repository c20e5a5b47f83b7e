import { expect, test } from 'vitest';
import { paintOn } from '../../ts/cli/style.js';
import { run } from './cli.js';

const painted = (isTTY: boolean, environment: NodeJS.ProcessEnv) =>
  paintOn({ isTTY }, environment)('good', 'x');
const GREEN = '\u001b[32mx\u001b[39m';

test.each([
  [true, {}, GREEN],
  [false, {}, 'x'],
  [true, { TERM: 'dumb' }, 'x'],
  [true, { NO_COLOR: '1' }, 'x'],
  [true, { NO_COLOR: '' }, GREEN],
  [true, { NO_COLOR: '1', FORCE_COLOR: '1' }, 'x'],
  [false, { FORCE_COLOR: '1' }, GREEN],
  [true, { FORCE_COLOR: '0' }, 'x'],
])('at a terminal (%s) and with %j colours are as wished', (isTTY, environment, expected) => {
  expect(painted(isTTY, environment as NodeJS.ProcessEnv)).toBe(expected);
});

test('what is not read at a terminal has none', async () => {
  const { stdout } = await run(['--help']);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toContain('Exit codes:');
});
