/** `qwormhole cert`: certificates for development, by an authority of one's own. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintsOf } from '../tls/fingerprint.js';
import { quote, type Arguments } from './arguments.js';
import type { Command } from './command.js';
import type { Context } from './context.js';
import { jsonLine } from './dialect.js';
import { UsageError } from './usage-error.js';
import { issue, openAuthority, type Issued } from './x509.js';

const THIS_MACHINE = ['localhost', '127.0.0.1', '::1'];
const AUTHORITY = 'QWormhole development authority';
/** Browsers take no server certificate that lasts longer; nor do some take 398 days for long. */
const DAYS = { min: 1, max: 825, default: 90 };
const AUTHORITY_DAYS = 3650;
/** Becomes the name of a file. */
const NAME = /^[A-Za-z0-9*][A-Za-z0-9._@*-]{0,63}$/;
const SECRET = 0o600;
const PUBLIC = 0o644;

export const cert: Command = {
  name: 'cert',
  summary: 'make certificates for development',
  usage: '[name…] [options]',
  description:
    'Makes a certificate for the names, host names or IP addresses; without any for this machine. It is signed\n' +
    'by an authority of your own, ca.crt and ca.key, which is made with the first and used from then on. Not for\n' +
    'production: whoever has ca.key can be anybody to those who trust ca.crt.',
  options: {
    out: { value: 'folder', help: 'where the files go; default certs' },
    client: { help: 'for a client that shows who it is; the name is anything' },
    days: { value: 'number', help: `how long it is valid; default ${DAYS.default}` },
    json: { help: 'print one line of JSON' },
  },
  examples: [
    ['qwormhole cert', 'certs/localhost.crt and .key, for this machine'],
    ['qwormhole cert --client alice', 'certs/alice.crt and .key, for a client'],
    ['qwormhole cert dev.example.com 192.0.2.7', 'for a machine in the network'],
  ],

  async run(given, context) {
    const names = namesOf(given);
    const folder = given.list('out').at(-1) ?? 'certs';
    const days = given.integer('days', DAYS);
    mkdirSync(folder, { recursive: true });
    const authority = authorityIn(folder);
    const [name] = names;
    const isClient = given.has('client');
    const made = issue({
      name,
      names: isClient ? [] : names,
      uses: [isClient ? 'client' : 'server'],
      issuer: authority,
      days,
    });
    report(made, write(folder, fileName(name), made), join(folder, 'ca.crt'), given, context);
    return 0;
  },
};

function namesOf(given: Arguments): readonly string[] {
  const { positionals } = given;
  if (positionals.length === 0 && given.has('client'))
    throw new UsageError('a client needs a name, such as alice');
  for (const name of positionals)
    if (!NAME.test(name.replaceAll(':', '-'))) throw new UsageError(`${quote(name)} is not a name`);
  if (fileName(positionals[0] ?? '').toLowerCase() === 'ca')
    throw new UsageError('ca is the name of the authority itself: choose another');
  return positionals.length === 0 ? THIS_MACHINE : positionals;
}

/** IPv6 addresses and wildcards are no names of files everywhere. */
function fileName(name: string): string {
  return name.replaceAll(':', '-').replaceAll('*', 'any');
}

function authorityIn(folder: string): Issued {
  const [certPath, keyPath] = [join(folder, 'ca.crt'), join(folder, 'ca.key')];
  if (!existsSync(certPath) && !existsSync(keyPath)) {
    const made = issue({ name: AUTHORITY, isAuthority: true, days: AUTHORITY_DAYS });
    write(folder, 'ca', made);
    return made;
  }
  try {
    return openAuthority(readFileSync(certPath, 'utf8'), readFileSync(keyPath, 'utf8'));
  } catch (error) {
    throw new UsageError(`the authority in ${folder} cannot be used: ${(error as Error).message}`);
  }
}

interface Paths {
  readonly cert: string;
  readonly key: string;
}

function write(folder: string, name: string, { cert: text, key }: Issued): Paths {
  const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  const parts = [
    { path: paths.key, fresh: `${paths.key}.new`, content: key, mode: SECRET },
    { path: paths.cert, fresh: `${paths.cert}.new`, content: text, mode: PUBLIC },
  ];
  try {
    // On a full disk what was there stays as it is. A file that is there already would keep its own permissions.
    for (const { fresh, content, mode } of parts) {
      rmSync(fresh, { force: true });
      writeFileSync(fresh, content, { mode, flag: 'wx' });
    }
    // The key first: who watches for the certificate finds it there.
    for (const { fresh, path } of parts) renameSync(fresh, path);
  } catch (error) {
    for (const { fresh } of parts) rmSync(fresh, { force: true });
    throw error;
  }
  return paths;
}

function report(made: Issued, paths: Paths, ca: string, given: Arguments, { out }: Context): void {
  const pin = `sha256/${Buffer.from(fingerprintsOf(made.der).spki, 'hex').toString('base64')}`;
  if (given.has('json')) out.line(jsonLine({ ...paths, ca, pin }));
  else
    out.line(
      `certificate  ${paths.cert}\nkey          ${paths.key}\nauthority    ${ca}\npin          ${pin}`,
    );
}
