/** So much of what was freed an addon under AddressSanitizer keeps, so that whoever uses it all the same is found, bytes. */
export const QUARANTINE = Number(process.env.QWORMHOLE_ATTACK_QUARANTINE ?? 0);
