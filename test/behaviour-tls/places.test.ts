/** The places of handshakes under way: who gets one, who gives way, and who waits for whom. */
import { constants } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ca, clientCert, pairOf, serverCert } from '../support/pki.js';
import { next, sleep, until } from '../support/wait.js';
import { gone, openTls, plain, secureCall, secureServer, TRUSTING, VERSIONS } from './support.js';

const MUTUAL = { requestCert: true, ca: ca.cert, ...pairOf(serverCert()) };
let asked = 0;
const never = () => ((asked += 1), new Promise<never>(() => {}));

it('go to newcomers from those who say nothing, the longest silent first', async () => {
  const server = await secureServer({ maxPendingHandshakes: 2 });
  const eldest = await plain(server);
  await sleep(20);
  const younger = await plain(server);
  await sleep(20);
  await secureCall(server);
  await gone(eldest);
  expect(younger.destroyed).toBe(false);
  await until(() => server.failures.length > 0, 'the failure');
  expect(server.failures[0]).toMatchObject({
    code: 'ERR_QW_RESOURCES',
    details: { maxPendingHandshakes: 2 },
  });
  expect(server.stats().tls!.failures).toEqual({ ERR_QW_RESOURCES: 1 });
});

it.each([
  ['verify', { verify: never }],
  ['sniCallback', { sniCallback: never }],
])('are kept by those who wait for %s', async (_what, callback) => {
  const server = await secureServer({ ...MUTUAL, ...callback, maxPendingHandshakes: 1 });
  const before = asked;
  const waiting = openTls(server, {
    servername: 'x.example',
    rejectUnauthorized: false,
    ...pairOf(clientCert()),
  });
  await until(() => asked > before, 'the question');
  await gone(await plain(server));
  await until(() => server.stats().tls!.failures.ERR_QW_RESOURCES === 1, 'the failure');
  expect(waiting.socket.destroyed).toBe(false);
});

describe.each(VERSIONS)('in %s', (maxVersion) => {
  it.each([
    ['a client without tickets', {}, constants.SSL_OP_NO_TICKET],
    ['a server without sessions', { sessionResumption: false }, 0],
    ['the defaults', {}, 0],
  ])('nobody waits for the verdict on another: %s', async (_what, tls, secureOptions) => {
    const verify = ({ peerCertificate }: any) => peerCertificate.subject !== 'CN=slow' || never();
    const server = await secureServer({ ...MUTUAL, ...tls, maxVersion, verify });
    const before = asked;
    openTls(server, { secureOptions, ...pairOf(clientCert({ name: 'slow' })) });
    await until(() => asked > before, 'the question');
    const { socket } = openTls(server, { secureOptions, ...pairOf(clientCert({ name: 'fast' })) });
    const opened = Promise.race([next(socket, 'secureConnect'), sleep(5000, 'nobody')]);
    expect(await opened).not.toBe('nobody');
    await secureCall(server, { ...TRUSTING, ...pairOf(clientCert({ name: 'fast' })) });
  });
});
