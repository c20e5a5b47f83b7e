import { expect, test } from 'vitest';
import { run } from './cli.js';
import { peer, saying } from './peer.js';
import { freePort } from '../support/ports.js';

const ENDPOINT = 'tcp://127.0.0.1:9';

test.each([
  [['lisen'], 'qwormhole: unknown command "lisen", did you mean listen?'],
  [['--nonsense'], 'qwormhole: unknown option "--nonsense"'],
  [['listen'], 'qwormhole listen: an endpoint is missing'],
  [['listen', ENDPOINT, '--ecko'], 'qwormhole listen: unknown option "--ecko", did you mean --echo?'],
  [['listen', ENDPOINT, '--echo', '--broadcast'], '--echo and --broadcast exclude each other'],
  [['listen', ENDPOINT, '--echo=1'], '--echo takes no value'],
  [['listen', ENDPOINT, '-x'], 'unknown option "-x"'],
  [['listen', ENDPOINT, '--__proto__'], 'unknown option "--__proto__"'],
  [['connect'], 'qwormhole connect: the endpoint is missing'],
  [['connect', ENDPOINT, ENDPOINT], 'there is more than one endpoint'],
  [['connect', ENDPOINT, '--codec', 'yaml'], '--codec takes buffer, text, json, cbor, msgpack; not "yaml"'],
  [['connect', ENDPOINT, '--backend'], '--backend needs a value'],
  [['connect', ENDPOINT, '--wait', '--json'], '--wait needs a value'],
  [['connect', ENDPOINT, '--json', '--raw-output'], '--json and --raw-output exclude each other'],
  [['bench', ENDPOINT, '--size', '1e3'], '--size takes a whole number from 0 to'],
  [['bench', ENDPOINT, '--window', '0'], '--window takes a whole number from 1 to'],
  [['bench', ENDPOINT, '--duration', 'soon'], '--duration takes a time such as 500ms or 5s'],
  [['doctor', 'who'], 'qwormhole doctor: it takes no argument such as "who"'],
])('a mistake in the command line is told in a line, with exit code 2: %j', async (args, message) => {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  const [first, hint, ...more] = stderr.trimEnd().split('\n');
  expect(first).toContain(message);
  expect(hint).toMatch(/^See qwormhole .*--help\.$/);
  expect(more).toEqual([]);
});

test('errors of the library are told by code and message, without a stack', async () => {
  const { port, server, url } = await peer(saying(), await freePort());
  const inUse = await run(['listen', url, '--backend', 'ts']);
  expect(inUse.code).toBe(1);
  expect(inUse.stderr).toMatch(/^ERR_QW_ADDRESS_IN_USE: [^\n]+\n$/);
  await new Promise((resolve) => server.close(resolve));
  for (const words of [['connect'], ['connect', '--json'], ['bench'], ['bench', '--json']]) {
    const refused = await run([...words, `tcp://127.0.0.1:${port}`, '--backend', 'ts']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^ERR_QW_CONNECT_REFUSED: [^\n]+\n$/);
  }
});

test('QWORMHOLE_DEBUG=1 shows the stack', async () => {
  const { code, stderr } = await run(['connect', 'nowhere'], { env: { QWORMHOLE_DEBUG: '1' } });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERR_QW_ENDPOINT_INVALID: .*\n(.*\n)* +at /);
});

test('options that the library refuses are its errors', async () => {
  const { code, stderr } = await run(['listen', ENDPOINT, '--protocol', 'raw', '--codec', 'json']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERR_QW_OPTION_INVALID: Option codec /);
});

test('--backend native is an error where native does not load or is forbidden', async () => {
  const args = ['listen', 'tcp://127.0.0.1:0', '--backend', 'native'];
  const missing = await run(args, { env: { QWORMHOLE_NATIVE_PATH: '/nonexistent/addon.node' } });
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toMatch(/^ERR_QW_NATIVE_UNAVAILABLE: [^\n]+\n$/);
  const forbidden = await run(args, { env: { QWORMHOLE_NATIVE: '0' } });
  expect(forbidden).toMatchObject({ code: 1, stdout: '' });
  expect(forbidden.stderr).toMatch(/^ERR_QW_NATIVE_UNAVAILABLE: .*QWORMHOLE_NATIVE=0/);
});

/** For peers that are plain sockets. */
const PLAINLY = ['--backend', 'ts', '--protocol', 'length-prefixed'];

test('--backend ts overrules a forced native backend', async () => {
  const { url } = await peer(saying('hello'));
  const env = { QWORMHOLE_NATIVE: '1', QWORMHOLE_NATIVE_PATH: '/nonexistent/addon.node' };
  const { code, stdout } = await run(['connect', url, ...PLAINLY, '--wait', '1000'], { env });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'hello\n' });
});

test('an output that nobody reads any more ends the program without a stack', async () => {
  const { Cli } = await import('./cli.js');
  const { url } = await peer(saying(...Array.from({ length: 5000 }, (_, index) => `line ${index}`)));
  const cli = new Cli(['connect', url, ...PLAINLY, '--wait', '60s']);
  cli.process.stdout.once('data', () => cli.process.stdout.destroy());
  expect(await cli.ended).toBe(0);
  expect(cli.stderr).toBe('');
});
