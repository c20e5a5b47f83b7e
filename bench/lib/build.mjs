/**
 * Builds the bench's Rust parts, when cargo is there, and says where they are.
 *
 * Paths come from cargo's own messages, so CARGO_TARGET_DIR and cargo's configuration are respected.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The built file, or why there is none: one of the two. @typedef {{ file?: string, reason?: string }} Built */

/**
 * Builds the load generator and the servers that are compared with ours.
 * @returns {Promise<{ loadgen: Built, addon: Built, tungstenite: Built }>}
 */
export async function build() {
  process.stderr.write('building the load generator and what else is written in Rust\n');
  // One after the other: cargo would make the second wait for the first anyway.
  return {
    loadgen: await buildPackage('qwormhole-loadgen', program),
    addon: await buildPackage('qwormhole-naive-addon', library),
    tungstenite: await buildPackage('qwormhole-tungstenite', program),
  };
}

function program(artifact) {
  return artifact.executable;
}

function library(artifact) {
  return artifact.target.kind.includes('cdylib') ? artifact.filenames.find(isLibrary) : undefined;
}

/** On Windows an import library lies beside the DLL. */
function isLibrary(file) {
  return /\.(so|dylib|dll)$/.test(file);
}

async function buildPackage(name, pick) {
  const args = ['build', '--release', '-p', name, '--message-format=json-render-diagnostics'];
  const cargo = spawn('cargo', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(cargo, 'close').catch((error) => [error]);
  let file;
  for await (const line of createInterface({ input: cargo.stdout })) {
    const message = JSON.parse(line);
    if (message.reason !== 'compiler-artifact' || message.target.name.replaceAll('_', '-') !== name) continue;
    file = pick(message) ?? file;
  }
  const [outcome] = await ended;
  if (outcome?.code === 'ENOENT') return { reason: 'cargo is not installed' };
  if (outcome !== 0 || file === undefined) return { reason: `cargo build -p ${name} failed` };
  return { file };
}
