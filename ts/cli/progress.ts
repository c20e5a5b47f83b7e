/** How far something is: a bar that moves at a terminal, elsewhere a line from time to time. */
import type { Context } from './context.js';

const WIDTH = 24;

export class Progress {
  readonly #context: Context;
  /** Only where it can be written over. */
  readonly #isBar = process.stderr.isTTY === true && process.env.TERM !== 'dumb';

  constructor(context: Context) {
    this.#context = context;
  }

  /** @param part From 0 to 1. */
  show(part: number, text: string): void {
    if (!this.#isBar) return this.#context.note(text);
    const done = Math.round(Math.min(1, Math.max(0, part)) * WIDTH);
    const { columns = 80 } = process.stderr;
    const bar = this.#context.paintNotes('name', '█'.repeat(done)) + '░'.repeat(WIDTH - done);
    process.stderr.write(`\r\u001b[K${bar} ${text.slice(0, Math.max(0, columns - WIDTH - 2))}`);
  }

  /** Clears the bar: what follows has the line for itself. */
  end(): void {
    if (this.#isBar) process.stderr.write('\r\u001b[K');
  }
}
