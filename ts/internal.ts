/** What tests and benches get besides the public names: the seam, its parts, and the policies. */
export { BoundedLink } from './link/bounded-link.js';
export { environmentBudget } from './link/budget.js';
export { chooseDriver, type Choice } from './link/choose.js';
export type * from './link/link.js';
export { TsDriver } from './link/ts/driver.js';
export { FrameDecoder } from './link/ts/frame-decoder.js';
export { QWormholeClient } from './client.js';
export { QWormholeServer } from './server.js';
export { resolveClientOptions, resolveServerOptions } from './options/resolve.js';
export { DropLog, type DropRun } from './policy/drop-log.js';
export { OfflineQueue } from './policy/offline-queue.js';
export { Backoff, pauseBound } from './policy/reconnect.js';
export { abortable, Waits } from './policy/waits.js';
export { RateLimit } from './policy/warnings.js';
export { injectNativeFailure } from './link/native/environment.js';
export { loadNative, type LoadReport } from './link/native/loader.js';
export { isFirstInProcess } from './policy/once-per-process.js';
