/** Key exchange, and whether the OpenSSL of this runtime has the one that quantum computers do not break. */
import { createSecureContext } from 'node:tls';

/** The name in the registry of IANA, which OpenSSL uses too. */
export const POST_QUANTUM_GROUP = 'X25519MLKEM768';

/** The others, likewise; OpenSSL takes any case. */
const GROUPS = ['x25519', 'secp256r1', 'secp384r1'];

let known: boolean | undefined;

/** What a backend offers, the first choice first. */
export function groupsFor(
  postQuantum: 'off' | 'prefer' | 'require',
  mode: 'native' | 'ts',
): readonly string[] {
  if (postQuantum === 'require') return [POST_QUANTUM_GROUP];
  const hasIt = postQuantum === 'prefer' && (mode === 'native' || hasPostQuantum());
  return hasIt ? [POST_QUANTUM_GROUP, ...GROUPS] : GROUPS;
}

/** From OpenSSL 3.5 on. */
export function hasPostQuantum(): boolean {
  return (known ??= tried());
}

function tried(): boolean {
  try {
    createSecureContext({ ecdhCurve: POST_QUANTUM_GROUP });
    return true;
  } catch {
    return false;
  }
}
