/** Our client, as foreign servers meet it: it asks of them what foreign clients ask of ours. */
import { expect } from 'vitest';
import { call } from '../../support/scene.js';
import { collect, next } from '../../support/wait.js';
import { bytes, SERIES, SIZES, TEXTS } from './payloads.js';

/** Calls a server that echoes and, told to, closes with 4001; checks every answer. */
export async function visit(url: string, options: object = {}): Promise<void> {
  const client = await call(url, {
    protocol: 'raw',
    codec: 'buffer',
    reconnect: false,
    headers: { 'x-token': 'secret' },
    subprotocols: ['chat.v1', 'chat.v2'],
    ...options,
  } as object);
  // Without a listener nothing would be read, not even the end.
  client.on('message', () => {});
  expect((client as any).subprotocol).toBe('chat.v2');
  for (const message of [...TEXTS, ...SIZES.map(bytes)]) {
    const [answer] = await answerTo(client, message);
    expect(typeof answer).toBe(typeof message);
    // Deep equality of a mebibyte would take seconds.
    expect(Buffer.from(answer as string).equals(Buffer.from(message as string))).toBe(true);
  }
  const series = collect(client, 'message', SERIES);
  for (let number = 0; number < SERIES; number += 1) client.send(`number ${number}`);
  expect(await series).toEqual(Array.from({ length: SERIES }, (_, number) => `number ${number}`));

  const closed = next(client, 'close');
  client.send('close me');
  expect(await closed).toEqual([4001, 'as you wish', true]);
}

/** Calls a server and leaves with a code of its own. */
export async function leave(url: string): Promise<void> {
  const options = { protocol: 'raw', codec: 'buffer', reconnect: false, subprotocols: ['chat.v2'] };
  const client = await call(url, options as object);
  client.on('message', () => {});
  await answerTo(client, 'hello');
  await client.close(4002, 'bye');
}

function answerTo(client: any, message: string | Buffer): Promise<unknown[]> {
  const answer = next(client, 'message');
  client.send(message);
  return answer;
}
