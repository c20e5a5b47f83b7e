/** The pollers of our Rust backend that can be measured here, and why the others cannot. */
const POLLERS = ['threads', 'inline'];

/**
 * Those of the option `io`.
 * @param {{ version?: string, reason?: string, inlineLack?: string }} native as `nativeBackend` has it
 * @returns {{ io: string, reason?: string }[]}
 */
export function pollers({ version, reason, inlineLack }) {
  const lacks = { inline: inlineLack };
  return POLLERS.map((io) => {
    const lack = version === undefined ? reason : lacks[io];
    return lack === undefined ? { io } : { io, reason: lack };
  });
}
