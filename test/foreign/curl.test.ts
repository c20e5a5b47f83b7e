/** libcurl's own WebSocket client. */
import { expect, it } from 'vitest';
import { FINDINGS, host } from './support/host.js';
import { peers, Program } from './support/program.js';
import { describeWith, python } from './support/tools.js';

describeWith(python, 'curl', () => {
  it('is a client of our server', async () => {
    const { url, left } = await host();
    const goodbye = left();
    const client = new Program(python.path, [`${peers}curl-client.py`, url]);
    // All but the two empty messages.
    expect(await client.line()).toEqual({ ...FINDINGS, echoed: FINDINGS.echoed - 2 });
    expect(await goodbye).toEqual([4002, 'bye']);
  });
});
