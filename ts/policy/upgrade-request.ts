/** A client's request to open a WebSocket, as `authorize` and connections show it. */
import { QWormholeError } from '../errors/error.js';
import { splitTarget, type Target } from '../endpoint-target.js';
import { headersOf, type Headers } from '../link/headers.js';
import type { UpgradeRequest } from '../link/link.js';

/** What is taken apart is so when it is first asked for: most connections are never asked. */
export class OpeningRequest {
  readonly #request: UpgradeRequest;
  #query: URLSearchParams | undefined;
  #headers: Headers | undefined;
  #abort: AbortController | undefined;
  #isAbandoned = false;

  /** @internal */
  constructor(request: UpgradeRequest) {
    this.#request = request;
  }

  /** As sent, without the query; percent-encoded. */
  get path(): string {
    return this.#split().path;
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.#split().query));
  }

  get headers(): Headers {
    return (this.#headers ??= headersOf(this.#request.rawHeaders));
  }

  /** What the page comes from; other programs than browsers send none. */
  get origin(): string | undefined {
    return this.#request.header('origin');
  }

  /** Subprotocols that the client offers, best first. */
  get subprotocols(): readonly string[] {
    return this.#request.subprotocols;
  }

  get remoteAddress(): string {
    return this.#request.remoteAddress;
  }

  get remotePort(): number {
    return this.#request.remotePort;
  }

  /**
   * Aborted if the client leaves, or the time of the handshake is over, before `authorize` has answered: whatever
   * it says then changes nothing. The reason is an `ERR_QW_CONNECTION_LOST`.
   */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#isAbandoned) this.#abort.abort(gone());
    }
    return this.#abort.signal;
  }

  /** @internal Nobody waits for a verdict any more. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /** @internal */
  abandon(): void {
    this.#isAbandoned = true;
    this.#abort?.abort(gone());
  }

  #split(): Target {
    return splitTarget(this.#request.target);
  }
}

function gone(): QWormholeError {
  const message = 'The client of a WebSocket left, or its time was over, before it was decided about';
  return new QWormholeError('ERR_QW_CONNECTION_LOST', message);
}
