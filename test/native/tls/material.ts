/** Certificates for tests of the native driver's TLS, made by the `openssl` program. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsIdentity } from '../../../ts/link/tls.js';

/** An authority with what it signs. */
export class Authority {
  readonly #directory = mkdtempSync(join(tmpdir(), 'qwormhole-tls-'));
  #count = 0;
  readonly certificate: Buffer;

  constructor(name: string) {
    this.#key('ca');
    const subject = ['-subj', `/CN=${name}`, '-days', '2', '-addext', 'keyUsage=critical,keyCertSign'];
    this.#openssl('req', '-x509', '-new', '-key', 'ca.key', '-out', 'ca.pem', ...subject);
    this.certificate = this.#read('ca.pem');
  }

  /** The authority's certificate as a file, for foreign programs. */
  get path(): string {
    return join(this.#directory, 'ca.pem');
  }

  leaf(name: string, extensions = ''): TlsIdentity {
    const file = `leaf${(this.#count += 1)}`;
    this.#key(file);
    writeFileSync(
      join(this.#directory, 'extensions'),
      `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\n${extensions}\n`,
    );
    this.#openssl('req', '-new', '-key', `${file}.key`, '-subj', `/CN=${name}`, '-out', `${file}.csr`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '2', '-extfile', 'extensions'];
    this.#openssl('x509', '-req', '-in', `${file}.csr`, '-CAcreateserial', ...signed, '-out', `${file}.pem`);
    const key = createPrivateKey(readFileSync(join(this.#directory, `${file}.key`)));
    return { chain: [this.#read(`${file}.pem`)], key: key.export({ type: 'pkcs8', format: 'der' }) };
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #key(name: string): void {
    this.#openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  }

  #read(name: string): Buffer {
    return new X509Certificate(readFileSync(join(this.#directory, name))).raw;
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#directory, stdio: 'pipe' });
  }
}
