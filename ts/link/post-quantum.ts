/** Whether the OpenSSL of this runtime has the key exchange that quantum computers do not break. */
import { createSecureContext } from 'node:tls';

/** The name in the registry of IANA, which OpenSSL uses too. */
export const POST_QUANTUM_GROUP = 'X25519MLKEM768';

let known: boolean | undefined;

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
