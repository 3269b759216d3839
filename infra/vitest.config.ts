import { defineConfig } from 'vitest/config';

export default defineConfig({
  // A worker a core: a synthesis takes most of one.
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000, maxWorkers: '100%' },
});
