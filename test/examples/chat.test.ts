import { expect, it } from 'vitest';
import { call } from '../support/scene.js';
import { backends, Program } from './program.js';

/** Everything that somebody has been told. */
function ear(client: { on(event: 'message', listener: (message: unknown) => void): unknown }) {
  const heard: unknown[] = [];
  client.on('message', (message) => heard.push(message));
  return heard;
}

it.each(backends)('chat joins browsers and terminals in rooms, QWORMHOLE_NATIVE=%s', async (backend) => {
  const server = new Program(backend, 'chat/server.mjs', '0', 'tcp://127.0.0.1:0');
  const [, page] = await server.line(/^Open (\S+)$/);
  const overTcp = await server.address();

  const response = await fetch(page);
  expect(response.headers.get('content-type')).toContain('text/html');
  expect(await response.text()).toContain('new WebSocket(');
  expect((await fetch(`${page}passwd`)).status).toBe(404);

  const json = { codec: 'json', reconnect: false } as const;
  const terminal = await call(overTcp, json);
  // As the page does it: plain messages, and a subprotocol.
  const browser = await call(`${page.replace('http', 'ws')}chat`, {
    ...json,
    protocol: 'raw',
    subprotocols: ['chat.v1'],
    headers: { Origin: page.slice(0, -1) },
  });
  expect(browser.subprotocol).toBe('chat.v1');
  const [terminalHears, browserHears] = [ear(terminal), ear(browser)];

  terminal.send({ type: 'join', room: 'lobby', name: 'Ann' });
  await expect.poll(() => terminalHears).toEqual([{ type: 'joined', name: 'Ann', people: 1 }]);
  browser.send({ type: 'join', room: 'lobby', name: 'Ben' });
  await expect.poll(() => browserHears).toEqual([{ type: 'joined', name: 'Ben', people: 2 }]);
  terminal.send({ type: 'say', text: 'hello' });
  await expect.poll(() => browserHears.at(-1)).toEqual({ type: 'said', name: 'Ann', text: 'hello' });

  for (const strange of [null, 7, { type: 'say', text: {} }, { type: 'join', room: 'lobby' }]) {
    const before = browserHears.length;
    browser.send(strange);
    await expect.poll(() => browserHears.length).toBe(before + 1);
    expect(browserHears.at(-1)).toMatchObject({ type: 'error' });
  }

  await browser.close();
  await expect.poll(() => terminalHears.at(-1)).toEqual({ type: 'left', name: 'Ben', people: 1 });
  await terminal.close();
  await server.stop();
});

it.each(backends)('chat does not take pages of other origins, QWORMHOLE_NATIVE=%s', async (backend) => {
  const server = new Program(backend, 'chat/server.mjs', '0', 'tcp://127.0.0.1:0');
  const [, page] = await server.line(/^Open (\S+)$/);
  const refused = call(`${page.replace('http', 'ws')}chat`, {
    protocol: 'raw',
    headers: { Origin: 'https://example.com' },
    reconnect: false,
  });
  await expect(refused).rejects.toMatchObject({ details: { status: 403 } });
  await server.stop();
});
