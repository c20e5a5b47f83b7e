/** Pages from elsewhere may not open a WebSocket unless they are listed. */
import { expect, it } from 'vitest';
import { exchange, httpServer, statusOf } from '../support/http.js';
import { serve } from '../support/scene.js';
import { OpeningRequest, warnOriginRefused } from 'qwormhole/internal';
import { sleep } from '../support/wait.js';
import { closeFrame, openingRequest } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';

async function statusFor(options: object, origin: string | undefined, host?: string): Promise<number> {
  return statusAt((await serve(options, WS)).addresses[0], origin, host);
}

async function statusAt(address: string, origin: string | undefined, host?: string): Promise<number> {
  const headers = origin === undefined ? [] : [`Origin: ${origin}`];
  const request = openingRequest('/', host ?? new URL(address).host, headers);
  return statusOf(await exchange(address, Buffer.concat([Buffer.from(request), closeFrame(1000, '', true)])));
}

/** At a listener that other machines can reach; `0.0.0.0` is this one too. */
async function statusOutside(origin: string, host: string): Promise<number> {
  const server = await serve({}, 'ws://0.0.0.0:0/');
  return statusAt(server.addresses[0].replace('0.0.0.0', '127.0.0.1'), origin, host);
}

it.each([
  ['http://example.com', 'example.com', 101],
  ['https://example.com', 'example.com', 101],
  ['http://example.com', 'example.com:80', 101],
  ['https://example.com:8443', 'example.com:8443', 101],
  ['http://EXAMPLE.com', 'example.com', 101],
  ['http://example.com', 'example.com:8080', 403],
  ['http://evil.com', 'example.com', 403],
  ['http://example.com.evil.com', 'example.com', 403],
  ['http://evil.com/example.com', 'example.com', 403],
  ['http://example.com@evil.com', 'example.com', 403],
  ['null', 'example.com', 403],
  ['file://', 'example.com', 403],
  ['', 'example.com', 403],
])('by default %j with host %s gets %d', async (origin, host, status) => {
  expect(await statusOutside(origin, host)).toBe(status);
});

it.each([
  ['127.0.0.1:8080', 101],
  ['[::1]:8080', 101],
  ['192.168.7.7', 101],
  ['localhost', 101],
  ['LocalHost:8080', 101],
  ['app.localhost:8080', 101],
  ['evil.example', 403],
  ['evil.example:8080', 403],
  ['localhost.evil.example', 403],
  ['127.0.0.1.evil.example', 403],
  ['notlocalhost', 403],
])('on loopback a page of the host %s gets %d', async (host, status) => {
  expect(await statusFor({}, `http://${host}`, host)).toBe(status);
  expect(
    await statusFor({ origins: [`http://${host.toLowerCase()}`] }, `http://${host.toLowerCase()}`, host),
  ).toBe(101);
});

it('is asked in the same way behind an HTTP server of others', async () => {
  const { url } = await attached();
  expect(await statusAt(url, 'http://evil.example', 'evil.example')).toBe(403);
  expect(await statusAt(url, 'http://localhost', 'localhost')).toBe(101);
});

async function attached() {
  const { http, url } = await httpServer();
  (await serve({}, [])).attach(http);
  return { url };
}

it('lets in who is listed, and nobody who looks like it', async () => {
  const options = { origins: ['https://good.com', 'https://other.com:444'] };
  expect(await statusFor(options, 'https://good.com')).toBe(101);
  expect(await statusFor(options, 'https://other.com:444')).toBe(101);
  for (const origin of [
    'https://good.com.evil.com',
    'http://good.com',
    'https://good.com:444',
    'https://good.co',
    'null',
  ])
    expect(await statusFor(options, origin)).toBe(403);
  expect(await statusFor({ origins: '*' }, 'https://anybody.com')).toBe(101);
});

it('lets in those without an origin unless it is required', async () => {
  expect(await statusFor({ origins: ['https://good.com'] }, undefined)).toBe(101);
  expect(await statusFor({ requireOrigin: true }, undefined)).toBe(403);
  expect(await statusFor({ requireOrigin: true, origins: '*' }, 'https://good.com')).toBe(101);
});

it('warns at a bounded rate, and says how to allow it', async () => {
  const request = new OpeningRequest({
    target: '/',
    rawHeaders: ['Origin', 'https://far.away'],
    header: () => 'https://far.away',
    subprotocols: [],
    remoteAddress: '',
    remotePort: 0,
  });
  const warnings: any[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  for (let i = 0; i < 100; i += 1) warnOriginRefused(request);
  await sleep(10);
  process.off('warning', onWarning);
  // Others of this file may have said it already.
  expect(warnings.length).toBeLessThanOrEqual(1);
  for (const { code, message } of warnings) {
    expect(code).toBe('QW_ORIGIN_REFUSED');
    expect(message).toContain('origins:');
  }
});
