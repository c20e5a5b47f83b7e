/**
 * One attempt of a client to connect: options that are functions are asked, names resolved, and then endpoints and
 * addresses race (`race.ts`), on any backend. All of it has `connectTimeoutMs`.
 */
import { abortable } from '../abort.js';
import { CloseCode } from '../close-codes.js';
import { QWormholeError } from '../errors/error.js';
import { isSecure } from '../link/carriers.js';
import { DEAF } from '../link/deaf.js';
import { connectTimeout } from '../link/fault.js';
import type { DialSpec, Link, LinkDriver } from '../link/link.js';
import { placeText } from '../link/place.js';
import { addressesOf } from '../link/resolve.js';
import type { TlsDialSettings } from '../link/tls.js';
import { settleEndpoints } from '../options/resolve.js';
import type { ClientSettings, SettledEndpoint } from '../options/settings.js';
import {
  ask,
  checkHeaders,
  checkMeta,
  checkTls,
  checkTrace,
  type ConnectAttempt,
} from '../options/sources.js';
import { toDialSpec } from '../options/specs.js';
import type { TrafficSample } from '../telemetry/traffic-sample.js';
import { ClientTls } from '../tls/client-tls.js';
import { interleaved } from './address-order.js';
import { toQwh, type HandshakeMeta } from './handshake.js';
import { race } from './race.js';
import { connectFollowing } from './redirects.js';

/** When the next address of a name is tried beside one that has not answered, ms (RFC 8305, section 8). */
const ADDRESS_DELAY_MS = 250;
/** The same of endpoints, ms: both families of the one before have had their moment, and it is the preferred one. */
const ENDPOINT_DELAY_MS = 500;

/** A link, and the endpoint that it leads to. */
export interface Reached {
  readonly link: Link;
  readonly endpoint: SettledEndpoint;
}

/** What one attempt goes by. */
interface Plan {
  readonly driver: LinkDriver;
  /** In the order in which to call them; at least one. */
  readonly endpoints: readonly SettledEndpoint[];
  readonly settings: ClientSettings;
  readonly sample: TrafficSample | undefined;
  /** When its time is over, ms. */
  readonly deadline: number;
  tlsFor(host: string): TlsDialSettings | undefined;
}

/** An attempt among others. */
interface Racing {
  readonly signal: AbortSignal;
  /** The other end is there. */
  readonly onAnswer: () => void;
}

export class Caller {
  readonly #settings: ClientSettings;
  readonly #tls: ClientTls | undefined;
  readonly #sample: TrafficSample | undefined;
  /** By what the function gave: with the same object again, sessions can be resumed. */
  readonly #given = new WeakMap<object, ClientTls>();
  /** Made when a function gives the first endpoint with TLS, and nothing was said about TLS. */
  #assumed: ClientTls | undefined;
  /** The endpoint that was reached last: one that is lost is called last the next time. */
  #last: SettledEndpoint | undefined;

  /**
   * @param tls Of options that are no functions.
   * @param sample Of the traffic so far, where that is profiled.
   */
  constructor(settings: ClientSettings, tls: ClientTls | undefined, sample: TrafficSample | undefined) {
    this.#settings = settings;
    this.#tls = tls;
    this.#sample = sample;
  }

  /** Rejects with the failure that came last, or `ERR_QW_CONNECT_TIMEOUT`, or `ERR_QW_ABORTED`. */
  async call(driver: LinkDriver, attempt: ConnectAttempt): Promise<Reached> {
    const { connectTimeoutMs } = this.#settings;
    const deadline = performance.now() + connectTimeoutMs;
    const plan = await this.#plan(driver, attempt, deadline);
    const reached = await race(
      plan.endpoints.map(
        (endpoint) => (signal, onAnswer) => callEndpoint(plan, endpoint, { signal, onAnswer }),
      ),
      {
        delayMs: ENDPOINT_DELAY_MS,
        overlap: this.#settings.localPort === 0,
        discard: ({ link }) => hangUp(link),
      },
      attempt.signal,
    );
    this.#last = reached.endpoint;
    return reached;
  }

  /** Asks what is to be asked, all at once: each question may take its time. */
  async #plan(driver: LinkDriver, attempt: ConnectAttempt, deadline: number): Promise<Plan> {
    const { sources, connectTimeoutMs } = this.#settings;
    const hasSources = Object.values(sources).some((source) => source !== undefined);
    const answers = Promise.all([
      this.#endpoints(attempt),
      this.#tlsOf(attempt),
      this.#headers(attempt),
      this.#meta(attempt),
      this.#trace(attempt),
    ]);
    const [endpoints, tls, headers, meta, trace] = hasSources
      ? await abortable(
          inTime(answers, deadline, () => connectTimeout('what the options give', connectTimeoutMs)),
          attempt.signal,
        )
      : await answers;
    const settings = hasSources ? { ...this.#settings, headers, meta, trace } : this.#settings;
    const needsTls = endpoints.some(({ scheme }) => isSecure(scheme));
    const used = tls ?? (needsTls ? (this.#assumed ??= new ClientTls({})) : undefined);
    const sample = this.#sample;
    return { driver, endpoints, settings, sample, deadline, tlsFor: (host) => used?.settingsFor(host) };
  }

  async #endpoints(attempt: ConnectAttempt): Promise<readonly SettledEndpoint[]> {
    const { sources, endpoints } = this.#settings;
    if (sources.endpoints !== undefined)
      return settleEndpoints(this.#settings, await ask('endpoints', sources.endpoints, attempt));
    const first = this.#last === undefined ? 0 : endpoints.indexOf(this.#last) + 1;
    return [...endpoints.slice(first), ...endpoints.slice(0, first)];
  }

  async #headers(attempt: ConnectAttempt): Promise<readonly string[]> {
    const { sources, headers } = this.#settings;
    return sources.headers === undefined
      ? headers
      : checkHeaders(await ask('headers', sources.headers, attempt));
  }

  async #meta(attempt: ConnectAttempt): Promise<HandshakeMeta> {
    const { sources, meta, extensions } = this.#settings;
    return sources.meta === undefined
      ? meta
      : checkMeta(await ask('meta', sources.meta, attempt), extensions);
  }

  async #trace(attempt: ConnectAttempt): Promise<string | undefined> {
    const { sources, trace } = this.#settings;
    return sources.trace === undefined ? trace : checkTrace(await ask('trace', sources.trace, attempt));
  }

  async #tlsOf(attempt: ConnectAttempt): Promise<ClientTls | undefined> {
    const source = this.#settings.sources.tls;
    if (source === undefined) return this.#tls;
    const given = await ask('tls', source, attempt);
    const known = this.#given.get(given);
    if (known !== undefined) return known;
    // Nothing but an object gets through.
    const tls = new ClientTls(checkTls(given));
    this.#given.set(given, tls);
    return tls;
  }
}

async function callEndpoint(plan: Plan, endpoint: SettledEndpoint, racing: Racing): Promise<Reached> {
  const { driver, settings, sample, tlsFor } = plan;
  const qwh = toQwh({ settings, backend: driver.backend, sample }, settings.connectTimeoutMs);
  const spec = toDialSpec(settings, endpoint, tlsFor(endpoint.host), qwh);
  const following = { maxRedirects: settings.maxRedirects, tlsFor };
  const link = await connectFollowing((call) => callHost(plan, call, racing), spec, following, racing.signal);
  return { link, endpoint };
}

/** Calls a host at one of its addresses. */
async function callHost(
  { driver, settings, deadline }: Plan,
  spec: DialSpec,
  { signal, onAnswer: onHostAnswer }: Racing,
): Promise<Link> {
  const { connectTimeoutMs } = settings;
  const late = (): QWormholeError => connectTimeout(placeText(spec), connectTimeoutMs);
  const inTimeLeft = (call: DialSpec): DialSpec => ({ ...call, connectTimeoutMs: timeLeft(deadline) });
  // An agent finds the way itself, which may lead through a proxy that knows the name.
  if (spec.ws?.agent !== undefined)
    return driver.connect(inTimeLeft({ ...spec, onAnswer: onHostAnswer }), signal);
  const addresses = await abortable(inTime(addressesOf(spec, 'connect'), deadline, late), signal);
  try {
    return await race(
      interleaved(addresses).map(({ address }) => (racing, onAddressAnswer) => {
        const onAnswer = (): void => {
          onAddressAnswer();
          onHostAnswer();
        };
        return driver.connect(inTimeLeft({ ...spec, address, onAnswer }), racing);
      }),
      {
        delayMs: ADDRESS_DELAY_MS,
        overlap: settings.localPort === 0,
        // A server that answers is the one: another address is tried for want of one only.
        isFinal: (error) =>
          error instanceof QWormholeError &&
          error.kind === 'protocol' &&
          error.closeCode !== CloseCode.timeout,
        discard: hangUp,
      },
      signal,
    );
  } catch (error) {
    // What is told is the time that the caller gave, not what was left of it.
    throw ranOut(error) ? late() : error;
  }
}

function timeLeft(deadline: number): number {
  return Math.max(1, Math.ceil(deadline - performance.now()));
}

/** Our own time, not that of the system. */
function ranOut(error: unknown): boolean {
  return (
    error instanceof QWormholeError && error.code === 'ERR_QW_CONNECT_TIMEOUT' && error.cause === undefined
  );
}

/** A link that came too late. */
export function hangUp(link: Link): void {
  link.handler = DEAF;
  link.terminate(CloseCode.cancelled, '');
}

/** What a promise gives if it does so before the deadline. */
function inTime<T>(promise: Promise<T>, deadline: number, late: () => QWormholeError): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), timeLeft(deadline));
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
