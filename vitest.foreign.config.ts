/** Tests with programs that others wrote, on each backend: `npm run test:foreign`. They need more than Node. */
import { defineConfig } from 'vitest/config';
import { project } from './vitest.config.js';

const FOREIGN = 'test/foreign/**/*.test.ts';

export default defineConfig({
  test: {
    projects: [
      project('foreign-ts', FOREIGN, { env: { QWORMHOLE_NATIVE: 'force-ts' } }),
      project('foreign-native', FOREIGN, { env: { QWORMHOLE_NATIVE: 'force' } }),
    ],
  },
});
