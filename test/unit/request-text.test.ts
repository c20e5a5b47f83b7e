/** Requests for WebSockets as the I/O side hands them over: what they share is invisible. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { RequestText } from '../../ts/link/native/request-text.js';
import { shared } from '../../ts/link/native/shared-text.js';
import { until } from '../support/wait.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const HEADERS = ['Host', 'example.org', 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'Origin', 'null'];

function request(lines: readonly string[], headers: readonly string[] = HEADERS): RequestText {
  return new RequestText([...lines, ...headers].join('\n'));
}

describe('a request that crosses', () => {
  it('is given back as it was sent', () => {
    const asked = request(['203.0.113.199', '50123', '/chat?room=1', 'a,b']);
    expect(asked.remoteAddress).toBe('203.0.113.199');
    expect(asked.remotePort).toBe(50_123);
    expect(asked.target).toBe('/chat?room=1');
    expect(asked.subprotocols).toEqual(['a', 'b']);
    expect(asked.rawHeaders).toEqual(HEADERS);
    expect(asked.header('host')).toBe('example.org');
    expect(asked.header('sec-websocket-key')).toBe('dGhlIHNhbXBsZSBub25jZQ==');
    expect(asked.header('cookie')).toBeUndefined();
  });

  it('keeps its peer and its key among others that say the same', () => {
    const keys = Array.from({ length: 20 }, (_, index) => `key of ${index}`);
    const all = keys.map((key, index) =>
      request(['::1', `${index + 1}`, '/', ''], ['sec-websocket-key', key, 'A', 'b']),
    );
    expect(all.map((asked) => asked.header('sec-websocket-key'))).toEqual(keys);
    expect(all.map(({ remotePort }) => remotePort)).toEqual(keys.map((_, index) => index + 1));
    expect(all.map(({ rawHeaders }) => rawHeaders[1])).toEqual(keys);
    expect(all.every(({ subprotocols }) => subprotocols.length === 0)).toBe(true);
  });

  it('is not mistaken for another, however many different ones come', () => {
    const targets = Array.from({ length: 30 }, (_, index) => `/${index % 11}`);
    const all = targets.map((target) => request(['::1', '1', target, '']));
    expect(all.map(({ target }) => target)).toEqual(targets);
  });

  it('has its key wherever the client has put it, and as often', () => {
    for (const headers of [
      ['SEC-WEBSOCKET-KEY', 'first', 'Host', 'h'],
      ['Host', 'h', 'Sec-WebSocket-Key', 'last'],
      ['Sec-WebSocket-Key', 'one', 'Host', 'sec-websocket-key', 'Sec-WebSocket-Key', 'two'],
      ['Host', 'h'],
    ])
      expect(request(['::1', '1', '/', ''], headers).rawHeaders).toEqual(headers);
  });

  it('joins what comes twice', () => {
    const asked = request(['::1', '1', '/', ''], ['Cookie', 'a=1', ...HEADERS, 'Cookie', 'b=2']);
    expect(asked.header('cookie')).toBe('a=1; b=2');
    expect(asked.header('sec-websocket-key')).toBe('dGhlIHNhbXBsZSBub25jZQ==');
  });
});

describe('a text that many have', () => {
  it('is kept once', () => {
    const first = shared('what all of them say');
    expect(shared(['what all', 'of them say'].join(' '))).toBe(first);
  });

  it('goes with the last one that has it', async () => {
    const gone = new WeakRef(shared('Authorization\nBearer of one client'));
    await until(() => {
      collectGarbage();
      return gone.deref() === undefined;
    }, 'the text to go');
  });
});
