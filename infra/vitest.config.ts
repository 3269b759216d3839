import { defineConfig } from 'vitest/config';

export default defineConfig({
  // One worker: a synthesis takes most of a core, and the emulator's test deploys stack after stack.
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000, maxWorkers: 1 },
});
