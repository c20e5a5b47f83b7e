/** A client's request to open a WebSocket, as `authorize` and connections show it. */
import { splitTarget, type Target } from '../endpoint-target.js';
import { headerOf, headersOf, type Headers } from '../link/headers.js';
import type { UpgradeRequest } from '../link/link.js';

/** What is taken apart is so when it is first asked for: most connections are never asked. */
export class OpeningRequest {
  readonly #request: UpgradeRequest;
  #query: URLSearchParams | undefined;
  #headers: Headers | undefined;

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
    return headerOf(this.#request.rawHeaders, 'origin');
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

  #split(): Target {
    return splitTarget(this.#request.target);
  }
}
