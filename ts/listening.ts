/** The endpoints of a server: all are bound or none is. */
import { formatEndpoint } from './endpoint.js';
import type { LinkDriver, LinkListener, ListenerHandler, ListenSpec } from './link/link.js';

export class Listening {
  readonly addresses: readonly string[];
  readonly #listeners: readonly LinkListener[];

  private constructor(listeners: readonly LinkListener[]) {
    this.#listeners = listeners;
    this.addresses = Object.freeze(listeners.map(formatEndpoint));
  }

  /** Binds one endpoint after the other; a failure frees those before and rejects. */
  static async open(
    driver: LinkDriver,
    specs: readonly ListenSpec[],
    handlerFor: (spec: ListenSpec) => ListenerHandler,
  ): Promise<Listening> {
    const listeners: LinkListener[] = [];
    try {
      for (const spec of specs) listeners.push(await driver.listen(spec, handlerFor(spec)));
    } catch (error) {
      await closeAll(listeners);
      throw error;
    }
    return new Listening(listeners);
  }

  /** The ports that were chosen or given, in the order of the endpoints. */
  get ports(): readonly number[] {
    return this.#listeners.map(({ port }) => port);
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
