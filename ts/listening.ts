/** The endpoints of a server: all are bound or none is. */
import { formatEndpoint } from './endpoint.js';
import { groupEndpoints } from './endpoint-groups.js';
import type { LinkDriver, LinkListener, ListenerHandler, ListenSpec } from './link/link.js';
import type { TlsListenSettings } from './link/tls.js';
import type { SettledEndpoint } from './options/settings.js';
import { listenAt, type SocketFiles } from './policy/socket-file.js';

/** An endpoint, and how to listen on it. */
export interface Place {
  readonly endpoint: SettledEndpoint;
  readonly spec: ListenSpec;
}

export class Listening {
  readonly addresses: readonly string[];
  /** The ports that were chosen or given, in the order of the endpoints. */
  readonly ports: readonly number[];
  readonly #listeners: readonly LinkListener[];
  /** Those with TLS. */
  readonly #secure: readonly LinkListener[];

  private constructor(
    places: readonly Place[],
    groups: readonly number[][],
    listeners: readonly LinkListener[],
  ) {
    this.#listeners = listeners;
    this.#secure = listeners.filter((_listener, at) => places[groups[at][0]].spec.tls !== undefined);
    const ofPlace = places.map(
      (_place, index) => listeners[groups.findIndex((group) => group.includes(index))],
    );
    this.ports = ofPlace.map(({ port }) => port);
    this.addresses = Object.freeze(
      places.map(({ endpoint: { scheme, path } }, index) => {
        const { host, port } = ofPlace[index];
        return formatEndpoint({ scheme, host, port, path });
      }),
    );
  }

  /**
   * Binds one socket after the other; a failure frees those before and rejects.
   * @param handlerFor Who hears of a socket, which may be that of several endpoints.
   */
  static async open(
    driver: LinkDriver,
    places: readonly Place[],
    files: SocketFiles,
    handlerFor: (endpoints: readonly SettledEndpoint[]) => ListenerHandler,
  ): Promise<Listening> {
    // The options were checked: none is there twice.
    const groups = groupEndpoints(places.map(({ endpoint }) => endpoint)) as number[][];
    const listeners: LinkListener[] = [];
    try {
      for (const group of groups) {
        const handler = handlerFor(group.map((index) => places[index].endpoint));
        listeners.push(await listenAt(driver, places[group[0]].spec, files, handler));
      }
    } catch (error) {
      await closeAll(listeners);
      throw error;
    }
    return new Listening(places, groups, listeners);
  }

  /**
   * Replaces what new TLS handshakes begin with. Throws what the backend does not take: its listeners are alike,
   * so the first one says it, and none has changed.
   */
  updateTls(settings: TlsListenSettings): void {
    for (const listener of this.#secure) listener.updateTls?.(settings);
  }

  /** Resolves when all ports are free. */
  close(): Promise<void> {
    return closeAll(this.#listeners);
  }

  ref(): void {
    for (const listener of this.#listeners) listener.ref();
  }

  unref(): void {
    for (const listener of this.#listeners) listener.unref();
  }
}

async function closeAll(listeners: readonly LinkListener[]): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.close()));
}
