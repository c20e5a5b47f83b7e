/**
 * What was made of texts lately, so that it is made and kept once: connections have an address in common, that of a
 * listener at least. The last ones stay, so they are to be no secrets.
 */

/** So many different ones are remembered: listeners of one process are few, and to compare is cheap. */
const REMEMBERED = 8;

export class Lately<Value> {
  readonly #texts: string[] = [];
  readonly #values: Value[] = [];
  #next = 0;
  readonly #make: (text: string) => Value;

  constructor(make: (text: string) => Value) {
    this.#make = make;
  }

  of(text: string): Value {
    for (let index = 0; index < this.#texts.length; index += 1)
      if (this.#texts[index] === text) return this.#values[index];
    const own = apart(text);
    const value = this.#make(own);
    this.#texts[this.#next] = own;
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % REMEMBERED;
    return value;
  }
}

/** The same text with memory of its own: a slice keeps all of the string that it is of. */
export function apart(text: string): string {
  return Buffer.from(text).toString();
}

/** Addresses of peers. */
export const addresses = new Lately((text) => text);
