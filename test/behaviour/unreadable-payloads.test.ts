/** Bytes that cannot be read, because their memory was transferred away for instance: an error, and nothing else. */
import { describe, expect, it } from 'vitest';
import { pair, serve } from '../support/scene.js';
import { collect, failure, until } from '../support/wait.js';

function detached<View extends ArrayBufferView<ArrayBuffer>>(view: View): View {
  structuredClone(view, { transfer: [view.buffer] });
  return view;
}

const detachedBytes = () => detached(new Uint8Array(16));

const unreadable: Record<string, () => unknown> = {
  'a detached Uint8Array': detachedBytes,
  'a detached Buffer': () => detached(Buffer.from(new ArrayBuffer(16))),
  'a detached ArrayBuffer': () => detachedBytes().buffer,
  'a detached DataView': () => detached(new DataView(new ArrayBuffer(16))),
  'what only claims to be a Uint8Array': () => Object.create(Uint8Array.prototype),
};

describe.each(Object.entries(unreadable))('%s', (_, make) => {
  it('is refused, and the connection goes on', async () => {
    const { connection, client } = await pair();
    const received = collect(connection, 'message', 3);
    client.send('before');
    expect((await failure(() => client.send(make()))).code).toBe('ERR_QW_ENCODE');
    client.send('after');
    await client.flushed();
    client.send('later');
    expect((await received).map(String)).toEqual(['before', 'after', 'later']);
    await until(() => client.bufferedAmount === 0, 'the last write to be counted');
  });

  it('is refused by broadcast, whoever listens', async () => {
    const server = await serve();
    expect((await failure(() => server.broadcast(make()))).code).toBe('ERR_QW_ENCODE');
  });
});

it('is refused from a codec too', async () => {
  const codec = { name: 'careless', encode: detachedBytes, decode: String };
  const { client } = await pair({ codec });
  expect((await failure(() => client.send('x'))).code).toBe('ERR_QW_ENCODE');
});

it('does not concern messages without bytes', async () => {
  const { connection, client } = await pair();
  const received = collect(connection, 'message', 2);
  client.send(new Uint8Array(0));
  client.send('');
  expect((await received).map(String)).toEqual(['', '']);
});
