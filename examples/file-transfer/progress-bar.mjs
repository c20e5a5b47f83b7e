/** A line that says how much is done: drawn on a terminal, and nowhere else. */

const WIDTH = 40;
/** Often enough to move, seldom enough to cost nothing, ms. */
const INTERVAL_MS = 100;

export class ProgressBar {
  #stream;
  #total;
  #done = 0;
  #drawnAt = -Infinity;
  #started = performance.now();

  constructor(stream, total) {
    this.#stream = stream;
    this.#total = total;
  }

  /** `bytes` more are handed over, of which all in all `waiting` have not left yet. */
  advance(bytes, waiting) {
    this.#done += bytes;
    if (performance.now() - this.#drawnAt >= INTERVAL_MS) this.#draw(this.#done - waiting);
  }

  end() {
    this.#draw(this.#done);
    if (this.#stream.isTTY) this.#stream.write('\n');
  }

  #draw(done) {
    if (!this.#stream.isTTY) return;
    this.#drawnAt = performance.now();
    const share = this.#total === 0 ? 1 : done / this.#total;
    const filled = Math.round(share * WIDTH);
    const speed = done / 1e6 / ((this.#drawnAt - this.#started) / 1000);
    const line = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${(share * 100).toFixed(0)} %, ${speed.toFixed(0)} MB/s`;
    this.#stream.write(`\r${line.padEnd(WIDTH + 24)}`);
  }
}
