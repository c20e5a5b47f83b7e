/** The package `ws` as it is installed has what the TypeScript backend uses of its inside. */
import * as ws from 'ws';
import { expect, test } from 'vitest';
import { missingInside, warnUnknownInside } from '../../ts/link/ts/ws-inside.js';
import { next } from '../support/wait.js';

type Inside = Parameters<typeof missingInside>[0];

const installed = ws as unknown as Inside;

test('nothing is missing', () => {
  expect(missingInside(installed)).toEqual([]);
});

test('what is missing is named, in one warning', async () => {
  const other = {
    WebSocket: Object,
    Receiver: class {
      consume(): void {}
    },
  } as unknown as Inside;
  expect(missingInside(other)).toContain('_receiver');
  expect(missingInside(other)).toContain('getData');
  expect(missingInside(other)).not.toContain('consume');
  const warned = next(process, 'warning');
  warnUnknownInside(installed);
  warnUnknownInside(other);
  const [warning] = await warned;
  expect(warning).toMatchObject({ name: 'QWormholeWarning', code: 'QW_WS_VERSION' });
  expect(warning.message).toContain('_bufferedBytes');
});

test('a package that cannot be looked into is no reason not to start', async () => {
  const warned = next(process, 'warning');
  warnUnknownInside({} as Inside);
  expect((await warned)[0].code).toBe('QW_WS_VERSION');
});
