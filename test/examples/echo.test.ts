import { expect, it } from 'vitest';
import { backends, isTs, Program } from './program.js';

it.each(backends)('echo measures round trips, QWORMHOLE_NATIVE=%s', async (backend) => {
  const server = new Program(backend, 'echo/server.mjs', 'tcp://127.0.0.1:0');
  const client = new Program(backend, 'echo/client.mjs', await server.address(), '200');
  const mode = isTs(backend) ? 'ts' : 'native';
  expect(await client.output()).toMatch(
    new RegExp(`^200 round trips, \\d+ µs each, on the ${mode} backend\n$`),
  );
  await server.stop();
});
