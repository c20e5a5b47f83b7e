/** Where and with what something was measured: no figure is worth anything without. */
import { readFileSync } from 'node:fs';
import os from 'node:os';

export function machine(nativeVersion) {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    processor: os.cpus()[0]?.model.trim() ?? os.arch(),
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.versions.node,
    qwormhole: version,
    native: nativeVersion ?? null,
  };
}

/** In a line. */
export function describeMachine({ processor, cores, system, node }) {
  return `${processor}, ${cores} cores, ${system}, Node ${node}`;
}
