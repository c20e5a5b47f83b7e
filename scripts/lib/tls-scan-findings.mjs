/** What a scan looks at, and what it must find. A scan that could not look is not good. */

/** What sslyze is asked to do. */
export const COMMANDS = [
  'sslv2',
  'sslv3',
  'tlsv1',
  'tlsv1_1',
  'tlsv1_2',
  'tlsv1_3',
  'elliptic_curves',
  'compression',
  'early_data',
  'reneg',
  'ems',
  'fallback',
  'heartbleed',
  'openssl_ccs',
  'robot',
].map((name) => `--${name}`);

/** All have forward secrecy and authenticate what they encrypt (RFC 9325, section 4.2; RFC 8446). */
const STRONG = /^TLS_(ECDHE_(ECDSA|RSA)_WITH_)?(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA(256|384)$/;
const STRONG_GROUPS = ['X25519', 'secp256r1', 'secp384r1'];

const refused = (title, key) => ({
  title,
  read: (found) =>
    finding(found, key, ({ is_tls_version_supported: is }) => [is ? 'accepted' : 'refused', !is]),
});

const suites = (title, key) => ({
  title,
  read: (found) =>
    finding(found, key, ({ accepted_cipher_suites: accepted }) => {
      const names = accepted.map(({ cipher_suite: { name } }) => name);
      return [names.join(', '), names.length > 0 && names.every((name) => STRONG.test(name))];
    }),
});

const flag = (title, key, field, wanted, [yes, no]) => ({
  title,
  read: (found) => finding(found, key, ({ [field]: value }) => [value ? yes : no, value === wanted]),
});

/** @type {{ title: string, read: (found: object) => { text: string, isGood: boolean } }[]} */
export const FINDINGS = [
  refused('SSL 2.0', 'ssl_2_0_cipher_suites'),
  refused('SSL 3.0', 'ssl_3_0_cipher_suites'),
  refused('TLS 1.0', 'tls_1_0_cipher_suites'),
  refused('TLS 1.1', 'tls_1_1_cipher_suites'),
  suites('TLS 1.2', 'tls_1_2_cipher_suites'),
  suites('TLS 1.3', 'tls_1_3_cipher_suites'),
  {
    title: 'Groups',
    read: (found) =>
      finding(found, 'elliptic_curves', ({ supported_curves: curves }) => {
        const names = (curves ?? []).map(({ name }) => name);
        return [names.join(', '), names.length > 0 && names.every((name) => STRONG_GROUPS.includes(name))];
      }),
  },
  flag('Compression', 'tls_compression', 'supports_compression', false, ['on', 'off']),
  flag('Early data', 'tls_1_3_early_data', 'supports_early_data', false, ['taken', 'not taken']),
  flag(
    'Renegotiation by the client',
    'session_renegotiation',
    'is_vulnerable_to_client_renegotiation_dos',
    false,
    ['allowed', 'refused'],
  ),
  flag('Extended master secret', 'tls_extended_master_secret', 'supports_ems_extension', true, ['yes', 'no']),
  flag('Fallback signal', 'tls_fallback_scsv', 'supports_fallback_scsv', true, ['honoured', 'ignored']),
  flag('Heartbleed', 'heartbleed', 'is_vulnerable_to_heartbleed', false, ['vulnerable', 'no']),
  flag('CCS injection', 'openssl_ccs_injection', 'is_vulnerable_to_ccs_injection', false, [
    'vulnerable',
    'no',
  ]),
  {
    title: 'ROBOT',
    read: (found) =>
      finding(found, 'robot', ({ robot_result: result }) => {
        const isSafe = String(result).startsWith('NOT_VULNERABLE');
        return [isSafe ? 'no' : String(result), isSafe];
      }),
  },
];

function finding(found, key, read) {
  const { status, result } = found[key] ?? {};
  if (status !== 'COMPLETED') return { text: `not scanned (${status ?? 'missing'})`, isGood: false };
  const [text, isGood] = read(result);
  return { text, isGood };
}
