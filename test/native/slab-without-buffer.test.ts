/** Where the runtime has no buffer for received memory its messages are copied out of it: none is another one's. */
import { expect, test } from 'vitest';
import { Child } from '../support/child.js';

test('messages are what was sent, and every refusal is told', async () => {
  const child = new Child('./slab-without-buffer.mjs', [], { QWORMHOLE_NATIVE: 'force' });
  const { mode, received, wrong, refused, told } = await child.line();
  expect({ mode, received, wrong }).toEqual({ mode: 'native', received: 5000, wrong: 0 });
  expect(refused).toBeGreaterThan(2);
  expect(told).toBe(refused);
});
