/** Texts that many have in common: each is kept once, and not for long after the last of them. */
import { apart } from '../apart.js';

/** So many different ones are looked through: programs that call one server are few, and to compare is cheap. */
const REMEMBERED = 8;

export interface SharedText {
  readonly text: string;
}

const remembered: WeakRef<SharedText>[] = [];
let next = 0;

export function shared(text: string): SharedText {
  let place = next;
  for (const [index, reference] of remembered.entries()) {
    const known = reference.deref();
    if (known?.text === text) return known;
    if (known === undefined) place = index;
  }
  const own = { text: apart(text) };
  remembered[place] = new WeakRef(own);
  next = (place + 1) % REMEMBERED;
  return own;
}
