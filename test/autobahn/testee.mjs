/** What both roles of the testee have in common. */
import process from 'node:process';
import { parseArgs } from 'node:util';

/** The suite's longest messages, its 65,536 fragments, and compression from the first byte on. */
export const WIRE = {
  protocol: 'raw',
  codec: 'buffer',
  maxMessage: 32 << 20,
  maxQueued: 64 << 20,
  maxFragments: 131_072,
  deflate: { threshold: 0 },
};

/** The backend that the command line asks for, as options, and the other arguments. */
export function forBackend() {
  const { values, positionals } = parseArgs({
    options: { backend: { type: 'string' } },
    allowPositionals: true,
  });
  const { backend: name } = values;
  if (name !== 'native' && name !== 'ts') {
    console.error('--backend must be native or ts');
    process.exit(2);
  }
  return { name, options: { forceTs: name === 'ts', preferNative: name === 'native' }, rest: positionals };
}

/** A result must never stand under the wrong name. */
export function checkBackend(wanted, { mode }) {
  if (mode === wanted) return;
  console.error(`the backend is ${mode} where ${wanted} was asked for`);
  process.exit(1);
}
