/** What the Rust side tells of itself reaches those loggers that want it. */
import { expect, test } from 'vitest';
import { listen, type LogRecord } from 'qwormhole';
import { injectNativeFailure } from 'qwormhole/internal';
import { next, until } from '../support/wait.js';

const ANYWHERE = 'tcp://127.0.0.1:0';

/** A server on an I/O thread, with a logger. */
async function logging(logLevel: 'warn' | 'error', ioThreads = 1) {
  const records: LogRecord[] = [];
  const logger = (record: LogRecord) => records.push(record);
  const server = await listen(ANYWHERE, { logger, logLevel, ioThreads });
  server.on('error', () => {});
  return { server, told: () => records.filter(({ event }) => event === 'server.backend') };
}

test('a broken I/O thread is told to every logger, once each, and to none that is over', async () => {
  const [first, second, over] = [await logging('warn'), await logging('error'), await logging('error')];
  await over.server.close();
  injectNativeFailure();
  for (const { server, told } of [first, second]) {
    await until(() => told().length > 0, 'the record');
    expect(told()).toEqual([
      expect.objectContaining({ level: 'error', id: server.id, message: 'the I/O thread broke', missed: 0 }),
    ]);
    expect(told()[0].why).toContain('injected');
    expect(told()[0].target).toMatch(/^qwormhole/);
    await server.close();
  }
  expect(over.told()).toEqual([]);
});

test('without a logger nothing is wanted of it, and a later one gets what is later', async () => {
  const quiet = await listen(ANYWHERE);
  const failed = next(quiet, 'error');
  injectNativeFailure();
  await failed;
  const { server, told } = await logging('error');
  expect(told()).toEqual([]);
  injectNativeFailure();
  await until(() => told().length === 1, 'the record');
  await Promise.all([quiet.close(), server.close()]);
});
