import { defineConfig } from 'vitest/config';

// A worker a core: a synthesis takes most of one.
const test = { testTimeout: 60_000, hookTimeout: 120_000, maxWorkers: '100%' };
/** They change nothing but folders of their own. */
const pure = ['test/lib/**/*.test.ts', 'test/stacks/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      // Loading the CDK takes longer than most of them: a worker does it once. Others among them would end the worker.
      { test: { ...test, name: 'templates', include: pure, isolate: false, sequence: { groupOrder: 0 } } },
      {
        test: {
          ...test,
          name: 'rest',
          include: ['test/**/*.test.ts'],
          exclude: pure,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
