/** The pollers of our Rust backend that can be measured here, and why the others cannot. */
const POLLERS = ['threads', 'inline'];

/** Those of the option `io`. */
export function pollers({ version, reason }) {
  return POLLERS.map((io) => (version === undefined ? { io, reason } : { io }));
}
