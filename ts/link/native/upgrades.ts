/** Opening handshakes of the I/O side that wait for their verdict. */
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
