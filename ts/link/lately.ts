/**
 * What was made of texts lately, so that it is made and kept once: connections have an address in common, that of a
 * listener at least. The last ones stay, so they are to be no secrets.
 */

import { apart } from './apart.js';

/** So many different ones are remembered: to compare is cheap, and what many have in common is among them. */
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
