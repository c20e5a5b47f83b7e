/** Opening handshakes of the I/O side that wait for their verdict. */
import { headerOf } from '../headers.js';
import type { Link, Upgrade, UpgradeRequest } from '../link.js';
import { type LinkName, Operation, type Outbox } from './outbox.js';

/** What those hear who wait at a listener that closes. */
const UNAVAILABLE = 503;

export class NativeUpgrade implements Upgrade {
  readonly request: UpgradeRequest;
  onGone: (() => void) | undefined;
  /** Who gets the link, once it was let in. */
  onLink: ((link: Link) => void) | undefined;
  readonly #name: LinkName;
  readonly #outbox: Outbox;
  #isJudged = false;

  constructor(name: LinkName, request: UpgradeRequest, outbox: Outbox) {
    this.#name = name;
    this.request = request;
    this.#outbox = outbox;
  }

  accept(subprotocol: string, onLink: (link: Link) => void): void {
    if (this.#isJudged) return;
    this.#isJudged = true;
    this.onLink = onLink;
    this.#outbox.wish(Operation.accept, this.#name, undefined, subprotocol);
  }

  refuse(status: number, body: string): void {
    if (this.#isJudged) return;
    this.#outbox.wish(Operation.refuse, this.#name, status, body);
    this.#isJudged = true;
  }

  /** The listener closes before the verdict. */
  dismiss(): void {
    if (this.#isJudged) return;
    this.refuse(UNAVAILABLE, '');
    this.onGone?.();
  }

  /** The client is gone, or its time is over. */
  end(): void {
    this.onLink = undefined;
    if (this.#isJudged) return;
    this.#isJudged = true;
    this.onGone?.();
  }
}

/** A handshake, and whose it is. */
interface Pending {
  readonly generation: number;
  readonly listener: number;
  readonly upgrade: NativeUpgrade;
}

export class Upgrades {
  readonly #bySlot = new Map<number, Pending>();

  add(name: LinkName, listener: number, request: UpgradeRequest, outbox: Outbox): NativeUpgrade {
    const upgrade = new NativeUpgrade(name, request, outbox);
    this.#bySlot.set(name.slot, { generation: name.generation, listener, upgrade });
    return upgrade;
  }

  /** The listener is closed: nobody waits any longer. */
  dismiss(listener: number): void {
    for (const pending of this.#bySlot.values()) if (pending.listener === listener) pending.upgrade.dismiss();
  }

  /** The handshake that a link began with, once. */
  take({ slot, generation }: LinkName): NativeUpgrade | undefined {
    const entry = this.#bySlot.get(slot);
    if (entry?.generation !== generation) return undefined;
    this.#bySlot.delete(slot);
    return entry.upgrade;
  }

  endAll(): void {
    for (const { upgrade } of this.#bySlot.values()) upgrade.end();
    this.#bySlot.clear();
  }
}

/** Lines in front of the headers. */
const HEAD_LINES = 4;

/**
 * A request as it crosses, of lines: the peer's address and port, the target, the subprotocols, and headers' names and
 * values in turn. Taken apart whenever it is asked: a connection keeps its request, and many are never asked.
 */
export class RequestText implements UpgradeRequest {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get remoteAddress(): string {
    return this.#line(0);
  }

  get remotePort(): number {
    return Number(this.#line(1));
  }

  get target(): string {
    return this.#line(2);
  }

  get subprotocols(): readonly string[] {
    const subprotocols = this.#line(3);
    return subprotocols === '' ? [] : subprotocols.split(',');
  }

  get rawHeaders(): readonly string[] {
    return this.#text.slice(this.#startOf(HEAD_LINES)).split('\n');
  }

  header(name: string): string | undefined {
    const text = this.#text;
    let found: string | undefined;
    for (let at = this.#startOf(HEAD_LINES); at < text.length;) {
      const value = text.indexOf('\n', at) + 1;
      const end = endOfLine(text, value);
      const isIt = value - 1 - at === name.length && text.slice(at, value - 1).toLowerCase() === name;
      // What comes twice is joined by rules of its own.
      if (isIt && found !== undefined) return headerOf(this.rawHeaders, name);
      if (isIt) found = text.slice(value, end);
      at = end + 1;
    }
    return found;
  }

  #line(index: number): string {
    const start = this.#startOf(index);
    return this.#text.slice(start, endOfLine(this.#text, start));
  }

  #startOf(line: number): number {
    let start = 0;
    for (let passed = 0; passed < line; passed += 1) start = endOfLine(this.#text, start) + 1;
    return start;
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
