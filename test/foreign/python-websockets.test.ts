/** Python's `websockets` package, as client and as server. */
import { expect, it } from 'vitest';
import { leave, visit } from './support/guest.js';
import { FINDINGS, host } from './support/host.js';
import { peers, Program } from './support/program.js';
import { describeWith, python } from './support/tools.js';

const MODES = [
  { title: 'uncompressed', flags: [], options: {} },
  { title: 'compressed', flags: ['--deflate'], options: { deflate: { threshold: 0 } } },
];

describeWith(python, 'Python websockets', () => {
  it.each(MODES)('is a client of our server, $title', async ({ flags, options }) => {
    const { url, left } = await host(options);
    const goodbye = left();
    const client = new Program(python.path, [`${peers}websockets-client.py`, url, ...flags]);
    const found = { ...FINDINGS, fragments: 'one message', pong: true, deflate: flags.length > 0 };
    expect(await client.line()).toEqual(found);
    expect(await goodbye).toEqual([4002, 'bye']);
  });

  it.each(MODES)('is a server for our client, $title', async ({ flags, options }) => {
    const server = new Program(python.path, [`${peers}websockets-server.py`, ...flags]);
    const { listening } = await server.line();
    const url = `ws://127.0.0.1:${listening}/`;
    await visit(url, options);
    const goodbye = server.line();
    await leave(url);
    expect(await goodbye).toEqual({ left: [4002, 'bye'] });
  });
});
