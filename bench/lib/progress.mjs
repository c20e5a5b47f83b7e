/** Says how far a long job is: in one line that changes on a terminal, in a line for each step elsewhere. */

export class Progress {
  #out;
  #step = '';

  /** @param {NodeJS.WriteStream} out */
  constructor(out) {
    this.#out = out;
  }

  /** A step begins. */
  begin(step) {
    this.#step = step;
    this.update('');
  }

  /** News of the step under way. */
  update(news) {
    if (this.#out.isTTY) this.#out.write(`\r\u001b[K${this.#line(news)}`);
  }

  /** The step is over. */
  end(outcome) {
    this.#out.write(`${this.#out.isTTY ? '\r\u001b[K' : ''}${this.#line(outcome)}\n`);
  }

  #line(text) {
    const line = `${this.#step}  ${text}`.trimEnd();
    return this.#out.isTTY ? line.slice(0, (this.#out.columns || 80) - 1) : line;
  }
}
