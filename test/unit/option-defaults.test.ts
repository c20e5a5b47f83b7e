import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveClientOptions, resolveServerOptions } from '../../ts/options/resolve.js';
import { holds } from '../support/holds.js';

const endpoints = 'tcp://127.0.0.1:9000';
const KIB = 1_024;
const MIB = 1_048_576;

test('a server with nothing but an endpoint has every default', () => {
  const settings = resolveServerOptions({ endpoints });
  expect(settings).toMatchObject({
    endpoints: [{ scheme: 'tcp', host: '127.0.0.1', port: 9_000, protocol: 'qwh' }],
    codec: { name: 'buffer' },
    preferNative: true,
    forceTs: false,
    onNativeFailure: undefined,
    ioThreads: 1,
    maxMessage: 4 * MIB,
    highWaterMark: MIB,
    lowWaterMark: 256 * KIB,
    maxQueued: 4 * MIB,
    overflow: 'drop-newest',
    concurrency: Infinity,
    inboundRate: undefined,
    outboundRate: undefined,
    memoryBudget: 512 * MIB,
    closeTimeoutMs: 5_000,
    heartbeat: { intervalMs: 20_000, timeoutMs: 45_000 },
    noDelay: true,
    keepAlive: 60_000,
    interfaceBinding: 'device',
    copy: false,
    maxConnections: 10_000,
    backlog: 511,
    reusePort: false,
    ipv6Only: false,
  });
  for (const name of [
    'receiveBufferSize',
    'sendBufferSize',
    'notSentLowAt',
    'userTimeoutMs',
    'idleTimeoutMs',
    'interfaceName',
    'signal',
  ]) {
    expect((settings as unknown as Record<string, unknown>)[name]).toBeUndefined();
  }
});

test('a client with nothing but an endpoint has every default', () => {
  expect(resolveClientOptions({ endpoints })).toMatchObject({
    localAddress: undefined,
    localPort: 0,
    connectTimeoutMs: 10_000,
    reconnect: { initial: false, baseMs: 300, capMs: 10_000, maxAttempts: Infinity },
    offlineQueue: { maxBytes: MIB, maxAgeMs: 30_000 },
  });
});

test('undefined counts as left out', () => {
  const options = {
    endpoints,
    maxMessage: undefined,
    reconnect: undefined,
    codec: undefined,
    signal: undefined,
  };
  expect(resolveClientOptions(options)).toEqual(resolveClientOptions({ endpoints }));
});

test('settings are frozen', () => {
  const settings = resolveClientOptions({ endpoints, reconnect: { baseMs: 5 } });
  for (const part of [
    settings,
    settings.endpoints,
    settings.endpoints[0],
    settings.reconnect,
    settings.offlineQueue,
  ]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('an endpoint in the object form can have its own protocol', () => {
  const own = { scheme: 'tcp', port: 1, protocol: 'raw' } as const;
  const settings = resolveServerOptions({ endpoints: [own, endpoints], protocol: 'length-prefixed' });
  expect(settings.endpoints.map(({ protocol }) => protocol)).toEqual(['raw', 'length-prefixed']);
});

test('reconnect and offlineQueue can be switched off, on, and half given', () => {
  expect(resolveClientOptions({ endpoints, reconnect: false }).reconnect).toBe(false);
  expect(resolveClientOptions({ endpoints, reconnect: true }).reconnect).toMatchObject({ baseMs: 300 });
  expect(resolveClientOptions({ endpoints, reconnect: { maxAttempts: 3 } }).reconnect).toMatchObject({
    baseMs: 300,
    maxAttempts: 3,
  });
  expect(resolveClientOptions({ endpoints, reconnect: { maxAttempts: Infinity } }).reconnect).toMatchObject({
    maxAttempts: Infinity,
  });
  expect(resolveClientOptions({ endpoints, reconnect: { baseMs: 20_000 } }).reconnect).toMatchObject({
    capMs: 20_000,
  });
  expect(resolveClientOptions({ endpoints, offlineQueue: false }).offlineQueue).toBe(false);
  expect(resolveClientOptions({ endpoints, offlineQueue: {} }).offlineQueue).toEqual({
    maxBytes: MIB,
    maxAgeMs: 30_000,
  });
});

test('heartbeat can be switched off, and half given', () => {
  const heartbeatOf = (heartbeat: false | { intervalMs?: number; timeoutMs?: number }) =>
    resolveServerOptions({ endpoints, heartbeat }).heartbeat;
  expect(heartbeatOf(false)).toBeUndefined();
  expect(heartbeatOf({})).toEqual({ intervalMs: 20_000, timeoutMs: 45_000 });
  expect(heartbeatOf({ intervalMs: 60_000 })).toEqual({ intervalMs: 60_000, timeoutMs: 180_000 });
  expect(heartbeatOf({ timeoutMs: 3_000 })).toEqual({ intervalMs: 1_500, timeoutMs: 3_000 });
  expect(() => heartbeatOf({ intervalMs: 3_000, timeoutMs: 3_000 })).toThrow(
    'more than heartbeat.intervalMs',
  );
});

test('keepAlive can be switched off, and Infinity is not off', () => {
  expect(resolveServerOptions({ endpoints, keepAlive: false }).keepAlive).toBe(false);
  expect(() => resolveServerOptions({ endpoints, keepAlive: Infinity })).toThrow('keepAlive');
});

test('lowering a bound lowers the watermarks below it that were not given', () => {
  expect(resolveServerOptions({ endpoints, maxQueued: 64 * KIB })).toMatchObject({
    maxQueued: 64 * KIB,
    highWaterMark: 16 * KIB,
    lowWaterMark: 4 * KIB,
  });
  expect(resolveServerOptions({ endpoints, highWaterMark: 64 * KIB })).toMatchObject({
    maxQueued: 4 * MIB,
    lowWaterMark: 16 * KIB,
  });
  expect(resolveServerOptions({ endpoints, maxQueued: 1 })).toMatchObject({
    highWaterMark: 1,
    lowWaterMark: 0,
  });
  expect(resolveServerOptions({ endpoints, maxQueued: 64 * MIB })).toMatchObject({ highWaterMark: MIB });
});

test('low ≤ high ≤ cap, whichever of the three is given', async () => {
  const bytes = fc.option(fc.integer({ min: 1, max: 2 ** 30 }), { nil: undefined });
  await holds(
    fc.property(bytes, fc.boolean(), (value, isCap) => {
      const given = isCap ? { maxQueued: value } : { highWaterMark: value, maxQueued: 2 ** 30 };
      const { lowWaterMark, highWaterMark, maxQueued } = resolveServerOptions({ endpoints, ...given });
      expect(lowWaterMark).toBeLessThanOrEqual(highWaterMark);
      expect(highWaterMark).toBeLessThanOrEqual(maxQueued);
    }),
  );
});

test('a signal of another realm is one by its shape', () => {
  const signal = { aborted: false, addEventListener: () => undefined } as unknown as AbortSignal;
  expect(resolveServerOptions({ endpoints, signal }).signal).toBe(signal);
  expect(resolveServerOptions({ endpoints, signal: AbortSignal.abort() }).signal?.aborted).toBe(true);
});

test('a rate has a second of burst unless told otherwise, and bounds something', () => {
  const rates = (inboundRate: object) => resolveServerOptions({ endpoints, inboundRate }).inboundRate;
  expect(rates({ bytesPerSecond: 5_000 })).toEqual({
    bytes: { perSecond: 5_000, burst: 5_000 },
    messages: undefined,
    isHard: false,
  });
  expect(rates({ messagesPerSecond: 1e9, hard: true })).toMatchObject({
    messages: { perSecond: 1e9, burst: 1e6 },
    isHard: true,
  });
  expect(rates({ bytesPerSecond: 4e9 })).toMatchObject({ bytes: { burst: 2 ** 30 } });
  expect(() => rates({})).toThrow('inboundRate must be an object with');
  expect(() => rates({ hard: true })).toThrow('inboundRate');
  expect(() => rates({ messagesPerSecond: 5, burstBytes: 5 })).toThrow('burstBytes needs bytesPerSecond');
  expect(() => rates({ bytesPerSecond: 5_000, burstMessages: 5 })).toThrow(
    'burstMessages needs messagesPerSecond',
  );
});
