/** Both ends of TLS on the native driver, through the seam. */
import type {
  DialSpec,
  Link,
  LinkClose,
  LinkHandler,
  LinkListener,
  ListenerHandler,
  ListenSpec,
} from '../../../ts/link/link.js';
import { NativeDriver } from '../../../ts/link/native/driver.js';
import { environmentExchanges } from '../../../ts/link/native/environment.js';
import { loadNative } from '../../../ts/link/native/loader.js';
import type { TlsDialSettings, TlsListenSettings } from '../../../ts/link/tls.js';
import type { QWormholeError } from '../../../ts/errors/error.js';
import { cleanUp } from '../../support/scene.js';
import { until } from '../../support/wait.js';
import { Authority } from './material.js';

export const authority = new Authority('the authority');
export const stranger = new Authority('a stranger');
export const server = authority.leaf('localhost');
export const client = authority.leaf('client');

const LIMITS = {
  maxMessage: 4_194_304,
  highWaterMark: 1_048_576,
  lowWaterMark: 262_144,
  maxQueued: 4_194_304,
  closeTimeoutMs: 5_000,
  memoryBudget: 536_870_912,
};
const SHARED = {
  host: '127.0.0.1',
  protocol: 'length-prefixed',
  limits: LIMITS,
  socket: { noDelay: true, keepAliveMs: 0 },
} as const;
const COMMON = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  alpn: [],
  ca: [authority.certificate],
  rejectUnauthorized: true,
  postQuantum: 'prefer',
  resumption: true,
  handshakeTimeoutMs: 5_000,
} as const;
const WEBSOCKET = {
  deflate: false,
  handshakeTimeoutMs: 5_000,
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
  maxFragments: 100,
  controlBurst: 100,
  controlPerSecond: 100,
} as const;

export const driver = makeDriver();

function makeDriver(): NativeDriver {
  const { binding, detail } = loadNative();
  if (binding === undefined) throw new Error(detail);
  const exchanges = environmentExchanges(binding);
  return new NativeDriver(binding, exchanges.threads(2), exchanges.log);
}

export function listening(over: Partial<TlsListenSettings> = {}): TlsListenSettings {
  const identities = [{ ...server, names: [] }];
  return { ...COMMON, identities, requestCert: false, maxPendingHandshakes: 100, ...over };
}

export function dialing(over: Partial<TlsDialSettings> = {}): TlsDialSettings {
  return { ...COMMON, servername: 'localhost', verifyName: 'localhost', ...over };
}

/** What one end hears. */
export class Heard implements LinkHandler {
  readonly isHeard = true;
  readonly messages: Buffer[] = [];
  close: LinkClose | undefined;
  readonly link: Link;

  constructor(link: Link) {
    this.link = link;
    link.handler = this;
    link.resume();
    cleanUp(() => link.terminate(0, ''));
  }

  onMessage(message: Buffer): void {
    this.messages.push(message);
  }

  onDrain(): void {}

  onEmpty(): void {}

  onEnd(): void {
    this.link.close(1000, '');
  }

  onClose(close: LinkClose): void {
    this.close = close;
  }

  send(message: string | Buffer): void {
    this.link.send(message, 1, Buffer.byteLength(message), false);
  }
}

/** A listener with all it hears. */
export interface Served {
  readonly listener: LinkListener;
  readonly arrived: Heard[];
  readonly errors: QWormholeError[];
}

export async function serve(over: Partial<TlsListenSettings> = {}, isWebSocket = false): Promise<Served> {
  const arrived: Heard[] = [];
  const errors: QWormholeError[] = [];
  const handler: ListenerHandler = {
    onLink: (link) => arrived.push(new Heard(link)),
    onUpgrade: (upgrade) => upgrade.accept('', (link) => arrived.push(new Heard(link))),
    onTlsError: (error) => errors.push(error),
    onError: (error) => errors.push(error),
  };
  const spec: ListenSpec = {
    ...SHARED,
    port: 0,
    backlog: 511,
    reusePort: false,
    ipv6Only: false,
    tls: listening(over),
    ...(isWebSocket && { ws: { ...WEBSOCKET, maxPendingHandshakes: 100 } }),
  };
  const listener = await driver.listen(spec, handler);
  cleanUp(() => listener.close());
  return { listener, arrived, errors };
}

export function call(
  served: Served,
  over: Partial<TlsDialSettings> = {},
  isWebSocket = false,
): Promise<Heard> {
  return callWith(served, dialing(over), isWebSocket);
}

/** Calls with settings that have been used before resume what they can. */
export async function callWith(
  { listener }: Served,
  tls: TlsDialSettings,
  isWebSocket = false,
  signal?: AbortSignal,
): Promise<Heard> {
  const opening = { target: '/', authority: 'localhost', headers: [], subprotocols: [] };
  const spec: DialSpec = {
    ...SHARED,
    port: listener.port,
    connectTimeoutMs: 5_000,
    tls,
    ...(isWebSocket && { ws: { ...WEBSOCKET, ...opening } }),
  };
  return new Heard(await driver.connect(spec, signal));
}

/** How a call fails, as code and alert, and what the server's owner hears of it. */
export async function failing(served: Served, over: Partial<TlsDialSettings> = {}): Promise<string[]> {
  const before = served.errors.length;
  const error: QWormholeError = await call(served, over).then(
    () => Promise.reject(new Error('it connects')),
    (failure) => failure,
  );
  await until(() => served.errors.length > before, 'the server to hear of it');
  return [error, served.errors[before]].map(spoken);
}

function spoken({ code, details }: QWormholeError): string {
  return code === 'ERR_QW_TLS_ALERT' ? `${code} ${String(details?.alert)}` : code;
}
