/** What was sent and received, and when: the account of an attack. */

/** What may happen at the attacker's end. */
export type What = 'opened' | 'sent' | 'received' | 'end' | 'reset' | 'closed';

export interface Moment {
  /** Since the attack began. */
  readonly ms: number;
  readonly what: What;
  readonly bytes: number;
  /** The first of them, to be read. */
  readonly head: string;
}

/** Longer accounts are cut in the middle. */
const SHOWN = 24;
/** So much of each is shown, bytes. */
const HEAD_BYTES = 48;
/** What comes so soon after another of its kind is told with it, ms. */
const TOGETHER_MS = 1;

export class Timeline {
  readonly moments: Moment[] = [];
  readonly #since = performance.now();

  add(what: What, bytes: Uint8Array = Buffer.alloc(0)): void {
    const ms = performance.now() - this.#since;
    const last = this.moments.at(-1);
    if (last?.what === what && ms - last.ms < TOGETHER_MS)
      this.moments[this.moments.length - 1] = { ...last, bytes: last.bytes + bytes.length };
    else this.moments.push({ ms, what, bytes: bytes.length, head: readable(bytes) });
  }

  /** When it first happened, ms. */
  at(what: What): number | undefined {
    return this.moments.find((moment) => moment.what === what)?.ms;
  }

  toString(): string {
    const lines = this.moments.map(({ ms, what, bytes, head }) => {
      const size = bytes === 0 ? '' : ` ${bytes} bytes: ${head}${bytes > HEAD_BYTES ? ' …' : ''}`;
      return `${ms.toFixed(1).padStart(9)} ms  ${what}${size}`;
    });
    const left = lines.length - SHOWN;
    if (left > 0) lines.splice(SHOWN / 2, left, `${''.padStart(9)} … ${left} more`);
    return lines.join('\n');
  }
}

function readable(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES));
  const isText = head.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0d || byte === 0x0a);
  return isText ? JSON.stringify(head.toString('latin1')) : head.toString('hex');
}
