/**
 * The suite with an addon under AddressSanitizer, which ends a process at its first bad access: `node scripts/sanitize.mjs
 * [arguments for vitest]`. Linux, with gcc's libasan; on the stable toolchain.
 */
import { copyFileSync, existsSync } from 'node:fs';

import { at, bin } from './lib/root.mjs';
import { main, openly, outputOf, quietly, StepError } from './lib/run.mjs';

const FOLDER = at('target', 'asan');
const ADDON = at('target', 'asan', 'qwormhole.node');
/** What is about the native backend; other pairings run the same code. */
const PROJECTS = ['native', 'native-ws', 'native-tls', 'native-only', 'native-inline-only'];

await main(async () => {
  const runtime = outputOf('gcc', ['-print-file-name=libasan.so']);
  if (runtime === undefined || !existsSync(runtime)) throw new StepError('gcc and its libasan are needed.');
  const [, host] = /host: (\S+)/.exec(outputOf('rustc', ['-vV']) ?? '') ?? [];
  if (host === undefined) throw new StepError('rustc is needed.');
  const args = ['build', '--profile', 'dev-opt', '--lib', '--target', host];
  await quietly('Building an addon under AddressSanitizer', 'cargo', args, {
    CARGO_TARGET_DIR: FOLDER,
    // The sanitizer is not a stable option.
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: '-Zsanitizer=address',
  });
  copyFileSync(at('target', 'asan', host, 'dev-opt', 'libqwormhole.so'), ADDON);
  const chosen = PROJECTS.flatMap((name) => ['--project', name]);
  openly('Running the suite', bin('vitest'), ['run', ...chosen, ...process.argv.slice(2)], {
    QWORMHOLE_NATIVE_PATH: ADDON,
    LD_PRELOAD: runtime,
    // V8 frees nothing at its end, so all of it would count as leaked; a page of ours that is touched is none of its traps.
    ASAN_OPTIONS: 'detect_leaks=0:handle_segv=0',
  });
});
