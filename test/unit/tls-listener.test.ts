/** A listener whose certificates cannot be used. */
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { ListenerHandler, ListenSpec } from '../../ts/link/link.js';
import type { TlsListenSettings } from '../../ts/link/tls.js';
import { TsListener } from '../../ts/link/ts/listener.js';
import { failure } from '../support/wait.js';

/** As from above the seam, but for what OpenSSL will not take. */
const tls: TlsListenSettings = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  alpn: [],
  ca: [],
  rejectUnauthorized: true,
  postQuantum: 'off',
  resumption: true,
  handshakeTimeoutMs: 1000,
  identities: [{ chain: [Buffer.from('nonsense')], key: Buffer.from('nonsense'), names: [] }],
  requestCert: false,
  maxPendingHandshakes: 1,
};

function listening(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const { port: taken } = server.address() as AddressInfo;
      server.close(() => resolve(taken));
    });
  });
}

it('takes no port', async () => {
  const port = await listening(0);
  const spec = { host: '127.0.0.1', port, backlog: 1, socket: { noDelay: true, keepAliveMs: 0 }, tls };
  const open = () => TsListener.open(spec as unknown as ListenSpec, {} as ListenerHandler);
  expect(await failure(open)).toMatchObject({ code: 'ERR_QW_TLS_CONFIG' });
  expect(await listening(port)).toBe(port);
});
