/** Key exchange that quantum computers do not break: where both ends have it, it is used, and said to be. */
import { expect, test } from 'vitest';
import { connect, listen } from 'qwormhole';
import { ca, pairOf, serverCert } from '../support/pki.js';
import { failure, next } from '../support/wait.js';

test.each([
  ['prefer', 'prefer', 'X25519MLKEM768'],
  ['require', 'prefer', 'X25519MLKEM768'],
  ['prefer', 'off', 'x25519'],
] as const)('a server that says %s and a client that says %s agree on %s', async (server, client, group) => {
  await using listening = await listen('tls://127.0.0.1:0', {
    tls: { ...pairOf(serverCert()), postQuantum: server },
  });
  expect(listening.mode).toBe('native');
  expect(listening.stats().tls?.groups[0]).toBe('X25519MLKEM768');
  const arrived = next(listening, 'connection');
  await using calling = await connect(listening.addresses[0], {
    tls: { ca: ca.cert, postQuantum: client },
    reconnect: false,
  });
  const [connection] = await arrived;
  expect([calling.tls?.group, connection.tls.group]).toEqual([group, group]);
});

test('a client without it is refused where it is required', async () => {
  await using listening = await listen('tls://127.0.0.1:0', {
    tls: { ...pairOf(serverCert()), postQuantum: 'require' },
  });
  const tls = { ca: ca.cert, postQuantum: 'off' } as const;
  const refused: any = await failure(() => connect(listening.addresses[0], { tls, reconnect: false }));
  expect(refused).toMatchObject({ code: 'ERR_QW_TLS_ALERT', details: { alert: 'handshake_failure' } });
});
