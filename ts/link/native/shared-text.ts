/** Texts that many have in common: each is kept once, and no longer than somebody has it, since it may hold a secret. */
import { apart } from '../lately.js';

/** So many different ones are looked through: programs that call one server are few, and to compare is cheap. */
const REMEMBERED = 8;

export interface SharedText {
  readonly text: string;
}

const remembered: WeakRef<SharedText>[] = [];
let next = 0;

export function shared(text: string): SharedText {
  for (const reference of remembered) {
    const known = reference.deref();
    if (known?.text === text) return known;
  }
  const own = { text: apart(text) };
  remembered[next] = new WeakRef(own);
  next = (next + 1) % REMEMBERED;
  return own;
}
