import { expect, test } from 'vitest';
import { QWormholeError } from '../../ts/errors/error.js';
import type { Exchanges } from '../../ts/link/native/exchanges.js';
import { settleIo } from '../../ts/link/native/io.js';
import { assertInline, decideIo, type IoHost, type IoPreference } from '../../ts/policy/io.js';

const NODE = { node: '20.19.0' };

const host = (variable?: string, cores = 1, versions: IoHost['versions'] = NODE): IoHost => ({
  platform: 'linux',
  environment: { QWORMHOLE_IO: variable },
  versions,
  cores,
});
const on = (preference: IoPreference, where = host()) => decideIo(preference, where).io;

test('the option wins over the variable, and the variable over auto', () => {
  for (const variable of [undefined, '', 'auto', 'inline', 'threads']) {
    expect(on({ io: 'inline' }, host(variable, 8))).toBe('inline');
    expect(on({ io: 'threads' }, host(variable))).toBe('threads');
  }
  expect(on({}, host('inline', 8))).toBe('inline');
  expect(on({}, host('threads'))).toBe('threads');
  expect(on({ io: 'auto' }, host('threads'))).toBe('inline');
});

test('several I/O threads are a wish for threads, whatever the variable says', () => {
  expect(on({ ioThreads: 2 }, host('inline'))).toBe('threads');
  expect(on({ ioThreads: 1 }, host('inline'))).toBe('inline');
});

test('auto is inline on one core alone, where nothing takes long', () => {
  const tls = [{ scheme: 'tcp' }, { scheme: 'wss' }];
  for (const variable of [undefined, 'auto']) {
    expect(on({ endpoints: [{ scheme: 'ws' }], deflate: false }, host(variable))).toBe('inline');
    expect(on({}, host(variable, 2))).toBe('threads');
    expect(on({ endpoints: tls }, host(variable))).toBe('threads');
    expect(on({ deflate: {} }, host(variable))).toBe('threads');
  }
});

test('a runtime without an event loop of libuv has threads, and refuses what is forced', () => {
  for (const versions of [
    { ...NODE, bun: '1.3.0' },
    { ...NODE, deno: '2.5.0' },
    { ...NODE, electron: '38.0.0' },
  ]) {
    const where = host(undefined, 1, versions);
    expect(on({}, where)).toBe('threads');
    const forced = decideIo({ io: 'inline' }, where);
    expect(() => assertInline(forced, where)).toThrow(
      expect.objectContaining({ code: 'ERR_QW_OPTION_UNSUPPORTED', details: { option: 'io' } }),
    );
    expect(() => assertInline(decideIo({}, where), where)).not.toThrow();
  }
});

test('other systems than Linux have threads, say why, and refuse what is forced', () => {
  for (const platform of ['darwin', 'win32', 'freebsd']) {
    const where = { ...host(), platform };
    expect(decideIo({}, where)).toEqual({
      io: 'threads',
      reason: `inline I/O needs Linux, and this is ${platform}`,
      forced: false,
    });
    expect(() => assertInline(decideIo({ io: 'inline' }, where), where)).toThrow(/needs Linux/);
    expect(() => assertInline(decideIo({}, where), where)).not.toThrow();
  }
});

test('where the system has no inline I/O auto settles for threads and says why, and what is forced is refused', () => {
  const why = 'inline I/O needs /proc';
  const without = {
    inline() {
      throw new QWormholeError('ERR_QW_OPTION_UNSUPPORTED', why);
    },
  } as unknown as Exchanges;
  expect(settleIo(without, {}, host())).toEqual({ io: 'threads', reason: why, forced: false });
  expect(settleIo(without, {}, host(undefined, 2)).reason).toBe('there are 2 cores');
  expect(() => settleIo(without, { io: 'inline' }, host())).toThrow(why);
  const having = { inline: () => undefined } as unknown as Exchanges;
  expect(settleIo(having, {}, host())).toMatchObject({ io: 'inline', reason: 'there is one core' });
});

test('a value without meaning is an error that names variable and value, also where the option is set', () => {
  for (const value of ['thread', 'INLINE', '1', ' auto', 'constructor']) {
    for (const options of [{}, { io: 'threads' }] as const) {
      expect(() => decideIo(options, host(value))).toThrow(
        expect.objectContaining({
          code: 'ERR_QW_OPTION_INVALID',
          message: expect.stringContaining('QWORMHOLE_IO'),
        }),
      );
    }
  }
});

test('the reason names what decided', () => {
  const reason = (preference: IoPreference, where = host()) => decideIo(preference, where).reason;
  expect(reason({ io: 'inline' })).toBe("io: 'inline'");
  expect(reason({}, host('threads'))).toBe('QWORMHOLE_IO=threads');
  expect(reason({ ioThreads: 3 })).toBe('ioThreads: 3');
  expect(reason({}, host(undefined, 4))).toBe('there are 4 cores');
  expect(reason({}, host(undefined, 1, { ...NODE, bun: '1.3.0' }))).toContain('Bun');
});
