/** Servers that do not speak qwh, called by the native backend. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connect } from 'qwormhole';
import { expect, it } from 'vitest';
import { cleanUp, serve } from '../support/scene.js';
import { failure } from '../support/wait.js';

const CALL = { preferNative: true, reconnect: false, connectTimeoutMs: 5000 } as const;

async function serverThat(answers: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => answers(socket)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => server.close());
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('says that a server which ends the connection without an answer may not speak it', async () => {
  const url = await serverThat((socket) => socket.end());
  const error = await failure(() => connect(url, CALL));
  expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE' });
  expect(error.message).toContain('set `protocol`');
});

it('says so of one that resets it, with the cause', async () => {
  const url = await serverThat((socket) => socket.resetAndDestroy());
  const error = await failure(() => connect(url, CALL));
  expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE', cause: { code: 'ECONNRESET' } });
  expect(error.message).toContain('set `protocol`');
});

it.each([{ protocol: 'length-prefixed' }, { handshake: 'off' }] as const)(
  'says so of one of ours: %o',
  async (options) => {
    const server = await serve(options);
    server.on('message', () => {});
    const error = await failure(() => connect(server.addresses[0], CALL));
    expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE' });
  },
);
