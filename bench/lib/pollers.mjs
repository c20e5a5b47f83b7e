/** The pollers of our Rust backend that can be measured here, and why the others cannot. */
import { readFileSync } from 'node:fs';

const POLLERS = ['threads', 'inline'];

/** Those of the option `io`; before it exists there is one. */
export function pollers({ version, reason }) {
  const options = readFileSync(new URL('../../options.json', import.meta.url), 'utf8');
  const hasChoice = /"name": *"io"/.test(options);
  return POLLERS.map((io) => {
    if (version === undefined) return { io, reason };
    return hasChoice || io === 'threads' ? { io } : { io, reason: 'this version has one poller, threads' };
  });
}
