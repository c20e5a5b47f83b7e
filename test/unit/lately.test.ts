/** What is made of texts is made once, as long as not too many others come. */
import { expect, it } from 'vitest';
import { Lately } from '../../ts/link/lately.js';

it('what comes again is what was made of it', () => {
  const lately = new Lately((text) => ({ text }));
  const first = lately.of('first');
  expect(first).toEqual({ text: 'first' });
  for (let other = 0; other < 7; other += 1) lately.of(`other ${other}`);
  expect(lately.of(['fir', 'st'].join(''))).toBe(first);
});

it('of many different ones the oldest goes', () => {
  const lately = new Lately((text) => ({ text }));
  const first = lately.of('first');
  for (let other = 0; other < 8; other += 1) lately.of(`other ${other}`);
  expect(lately.of('first')).toEqual(first);
  expect(lately.of('first')).not.toBe(first);
});
