/** TLS handshakes that are none, that stall, or that do not fit. */
import { connect } from 'node:tls';
import { ca, clientCert, otherCa, pairOf } from '../../support/pki.js';
import { issue } from '../../../ts/cli/x509.js';
import { CANARY } from '../lib/canary.js';
import type { Entry, Expectation, Family, Step } from '../lib/rows.js';
import { drip, send } from '../lib/steps.js';

const TIMEOUT_MS = 500;

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}
/** Bytes behind their length of two bytes. */
const sized = (...parts: Uint8Array[]): Buffer => {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([u16(bytes.length), bytes]);
};

/** A ClientHello that asks for a name of so many bytes. */
function clientHello(nameBytes: number): Buffer {
  const name = Buffer.alloc(nameBytes, 'a');
  const serverName = Buffer.concat([u16(0), sized(sized(Buffer.of(0), sized(name)))]);
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 7),
    Buffer.of(0),
    sized(u16(0x1301), u16(0xc02f)),
    Buffer.of(1, 0),
    sized(serverName),
  ]);
  const length = Buffer.of(0, body.length >> 8, body.length & 0xff);
  const message = Buffer.concat([Buffer.of(1), length, body]);
  return Buffer.concat([Buffer.of(0x16), u16(0x0301), sized(message)]);
}

function entry(what: string, expect: Expectation, ...steps: Step[]): Entry {
  return { id: 'A14', what, expect, steps, isPlain: true };
}

/** A TLS handshake with such options, as far as it gets. */
const greeting =
  (options: object): Step =>
  ({ attacker }) => {
    const tls = connect({ socket: attacker.below, ca: ca.cert, servername: 'localhost', ...options });
    tls.on('error', () => attacker.destroy()).on('end', () => attacker.destroy());
    tls.resume();
  };

const notTls = { error: 'ERR_QW_TLS_NOT_TLS' } as const;

export const tlsOpening: Family = {
  name: 'TLS',
  carrier: 'tls',
  dialect: 'length-prefixed',
  roles: ['server'],
  options: { tls: { handshakeTimeoutMs: TIMEOUT_MS } },
  entries: [
    { ...entry('says nothing', { error: 'ERR_QW_TLS_TIMEOUT' }), id: 'A1' },
    {
      ...entry(
        'a byte of its hello in 50 ms',
        { error: 'ERR_QW_TLS_TIMEOUT' },
        drip(clientHello(20), { everyMs: 50 }),
      ),
      id: 'A2',
    },
    entry('HTTP', notTls, send('GET / HTTP/1.1\r\n\r\n')),
    entry('SSH', notTls, send('SSH-2.0-OpenSSH_9.6\r\n')),
    entry('bytes that are no hello', notTls, send(Buffer.alloc(64, 0xff))),
    entry('a hello with a name of 10 KB', {}, send(clientHello(10_000))),
    entry(
      'a record of TLS with nonsense in it',
      {},
      send(Buffer.from('1603010010', 'hex'), Buffer.alloc(16, 0x42), CANARY),
    ),
  ].map((each) =>
    each.expect === notTls || 'error' in each.expect ? each : { ...each, counter: 'tls.handshakesFailed' },
  ),
};

export const tlsAlpn: Family = {
  name: 'TLS, ALPN',
  carrier: 'tls',
  dialect: 'length-prefixed',
  roles: ['server'],
  options: { tls: { alpn: ['ours'] } },
  entries: [
    {
      ...entry(
        'no protocol in common',
        { error: 'ERR_QW_TLS_ALPN' },
        greeting({ ALPNProtocols: ['theirs'] }),
      ),
    },
  ],
};

const stranger = issue({ name: 'client', names: [], uses: ['client'], issuer: otherCa });

export const tlsClients: Family = {
  name: 'TLS, certificates of clients',
  carrier: 'tls',
  dialect: 'length-prefixed',
  roles: ['server'],
  witness: 'length-prefixed',
  options: { tls: { requestCert: true, ca: ca.cert } },
  entries: [
    entry('no certificate', { error: 'ERR_QW_TLS_CERT_REQUIRED' }, greeting({})),
    entry('a certificate of somebody else', { error: 'ERR_QW_TLS_UNTRUSTED' }, greeting(pairOf(stranger))),
    entry('a certificate that is over', { error: 'ERR_QW_TLS_EXPIRED' }, greeting(pairOf(expired()))),
  ],
};

function expired() {
  return clientCert({ from: new Date(Date.now() - 3 * 86_400_000), days: 1 });
}

const sni = (how: string): Family => ({
  name: `TLS, sniCallback ${how}`,
  carrier: 'tls',
  dialect: 'length-prefixed',
  roles: ['server'],
  options: { uses: { 'tls.sniCallback': how }, tls: { handshakeTimeoutMs: TIMEOUT_MS } },
  entries: [
    {
      ...entry(`sniCallback ${how}`, {}, greeting({ servername: 'unknown.example' })),
      counter: 'tls.handshakesFailed',
    },
  ],
});
export const tlsCallbacks: readonly Family[] = [sni('throws'), sni('rejects'), sni('never')];
