/** The pages of `examples/` in Chromium, which runs their scripts. */
import { expect, it } from 'vitest';
import { Program } from '../examples/program.js';
import { call } from '../support/scene.js';
import { openPage } from './support/browser.js';
import { chromium, describeWith } from './support/tools.js';

const backend = process.env.QWORMHOLE_NATIVE!;
/** A browser takes its time to start. */
const PATIENCE = { timeout: 20_000 };

describeWith(chromium, 'Chromium', () => {
  it('chats, as text, and comes back', { timeout: 60_000 }, async () => {
    let server = new Program(backend, 'chat/server.mjs', '0', 'tcp://127.0.0.1:0');
    const [, address, port] = await server.line(/^Open (http:\S+:(\d+)\/)$/);
    const ann = await call(await server.address(), { codec: 'json', reconnect: false });
    const heard: any[] = [];
    ann.on('message', (message) => heard.push(message));
    ann.send({ type: 'join', room: 'garden', name: 'Ann' });

    const page = await openPage(`${address}#garden`);
    const log = () => page.evaluate(`document.getElementById('log')?.innerText ?? ''`);
    await expect
      .poll(() => page.evaluate(`document.querySelector('#door input') !== null`), PATIENCE)
      .toBe(true);
    await page.evaluate(`door.name.value = 'Ben'; door.requestSubmit()`);
    await expect.poll(log, PATIENCE).toContain('Ben is here (2 in garden)');
    await page.evaluate(`line.text.value = 'hello'; line.requestSubmit()`);
    await expect.poll(() => heard.at(-1)).toEqual({ type: 'said', name: 'Ben', text: 'hello' });
    ann.send({ type: 'say', text: '<b>bold</b>' });
    await expect.poll(log).toContain('Ann: <b>bold</b>');
    expect(await page.evaluate(`document.querySelector('b') === null`)).toBe(true);

    server.signal('SIGKILL');
    server = new Program(backend, 'chat/server.mjs', port, 'tcp://127.0.0.1:0');
    await expect.poll(log, PATIENCE).toContain('Ben is here (1 in garden)');
  });

  it('shows readings as they come', { timeout: 60_000 }, async () => {
    const server = new Program(backend, 'dashboard/server.mjs', '0', 'tcp://127.0.0.1:0');
    const [, address] = await server.line(/^Open (\S+)$/);
    const sensor = await call(await server.address(), { codec: 'cbor' });
    sensor.send({ sensor: 'oven', celsius: 180.04 });
    const page = await openPage(address);
    const text = () => page.evaluate(`document.body.innerText`);
    await expect.poll(text, PATIENCE).toMatch(/live[^]*oven\s+180\.0 °C/);
    sensor.send({ sensor: 'oven', celsius: 185 });
    await expect.poll(text).toMatch(/oven\s+185\.0 °C/);
  });
});
