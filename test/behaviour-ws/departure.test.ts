/** Clients that leave while the verdict about them is waited for: noticed at once, and no longer in the way. */
import { expect, it } from 'vitest';
import { httpServer, rawCall, statusOf } from '../support/http.js';
import { serve } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';
import { openingRequest, wsFrame } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';

/** Where clients arrive: at an endpoint, or through an HTTP server of others. */
const PLACES = ['listen', 'attach'] as const;
type Place = (typeof PLACES)[number];

/** A server whose verdicts are given by hand. */
async function undecided(place: Place, options: object = {}) {
  const requests: any[] = [];
  const verdicts: { resolve(verdict?: object): void; reject(error: unknown): void }[] = [];
  const authorize = (request: any) => {
    requests.push(request);
    // Some look at the signal at once, some never.
    if (requests.length % 2 === 1) void request.signal;
    return new Promise<object | undefined>((resolve, reject) => verdicts.push({ resolve, reject }));
  };
  const server = await serve({ authorize, ...options } as object, WS);
  if (place === 'listen') return { server, url: server.addresses[0], requests, verdicts };
  const { http, url } = await httpServer();
  server.attach(http);
  return { server, url, requests, verdicts };
}

const asked = ({ requests }: { requests: any[] }, count = 1) =>
  until(() => requests.length === count, 'the question');

it.each(PLACES.flatMap((place) => (['end', 'reset'] as const).map((how) => [place, how] as const)))(
  '%s: a client that leaves by %s aborts the signal and frees its place',
  async (place, how) => {
    const scene = await undecided(place, { maxPendingHandshakes: 1 });
    const first = rawCall(scene.url, openingRequest());
    await asked(scene);
    const [{ signal }] = scene.requests;
    expect(signal.aborted).toBe(false);
    if (how === 'end') first.socket.end();
    else first.reset();
    await until(() => signal.aborted, 'the abort');
    expect(signal.reason.code).toBe('ERR_QW_CONNECTION_LOST');
    // The only place is free again, long before the time of the handshake is over.
    const second = rawCall(scene.url, openingRequest());
    await asked(scene, 2);
    scene.verdicts[0].resolve({ user: 'late' });
    const arrived = next(scene.server, 'connection');
    scene.verdicts[1].resolve({ user: 'second' });
    expect((await arrived)[0].user).toBe('second');
    await until(() => second.head !== '', 'the answer');
    expect(statusOf(second.head)).toBe(101);
    await first.closed();
    expect(first.head).toBe('');
    expect(scene.server.getConnectionCount()).toBe(1);
    expect(scene.server.errors).toEqual([]);
  },
);

it.each(PLACES)('%s: it is noticed behind frames that came too early', async (place) => {
  const scene = await undecided(place);
  const peer = rawCall(scene.url, openingRequest() + wsFrame('early', { mask: true }).toString('latin1'));
  await asked(scene);
  peer.write(wsFrame('more', { mask: true }));
  await sleep(20);
  peer.socket.end();
  await until(() => scene.requests[0].signal.aborted, 'the abort');
});

it.each(PLACES)('%s: the end of the time aborts too, and is told to the client', async (place) => {
  const scene = await undecided(place, { handshakeTimeoutMs: 1000 });
  const peer = rawCall(scene.url, openingRequest());
  await asked(scene);
  const [request] = scene.requests;
  const startedAt = performance.now();
  await until(() => request.signal.aborted, 'the abort');
  expect(performance.now() - startedAt).toBeLessThan(3000);
  await until(() => peer.head !== '', 'the refusal');
  expect(statusOf(peer.head)).toBe(503);
  scene.verdicts[0].resolve();
  await sleep(20);
  expect(scene.server.getConnectionCount()).toBe(0);
});

it.each(PLACES)('%s: a server that closes does not wait for verdicts', async (place) => {
  const scene = await undecided(place);
  rawCall(scene.url, openingRequest());
  await asked(scene);
  const { signal } = scene.requests[0];
  await scene.server.close();
  await until(() => signal.aborted, 'the abort');
});

it.each(PLACES)('%s: who asks for the signal afterwards sees that it is aborted', async (place) => {
  const scene = await undecided(place);
  const peers = [rawCall(scene.url, openingRequest())];
  await asked(scene);
  // Of the second request nobody has looked at the signal.
  peers.push(rawCall(scene.url, openingRequest()));
  await asked(scene, 2);
  for (const peer of peers) peer.reset();
  await until(() => scene.requests[0].signal.aborted, 'the abort');
  await until(() => scene.server.stats().handshakes.abandoned === 2, 'both to be gone');
  expect(scene.requests[1].signal.aborted).toBe(true);
});

it.each(PLACES)('%s: the end of a connection is no abort', async (place) => {
  const scene = await undecided(place);
  const arrived = next(scene.server, 'connection');
  const peer = rawCall(scene.url, openingRequest());
  await asked(scene);
  scene.verdicts[0].resolve();
  const [connection] = await arrived;
  const closed = next(connection, 'close');
  peer.reset();
  await closed;
  expect(scene.requests[0].signal.aborted).toBe(false);
});

it.each(PLACES)('%s: to fail because of the signal is no fault, anything else is', async (place) => {
  const scene = await undecided(place);
  for (const index of [0, 1, 2]) {
    const peer = rawCall(scene.url, openingRequest());
    await asked(scene, index + 1);
    peer.reset();
    await until(() => scene.requests[index].signal.aborted, 'the abort');
  }
  const { signal } = scene.requests[0];
  scene.verdicts[0].reject(signal.reason);
  scene.verdicts[1].reject(new DOMException('The operation was aborted', 'AbortError'));
  await sleep(20);
  expect(scene.server.errors).toEqual([]);
  scene.verdicts[2].reject(new Error('db is down'));
  await until(() => scene.server.errors.length === 1, 'the error');
  expect(scene.server.errors[0].cause.message).toBe('db is down');
});
