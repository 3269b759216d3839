import { defineConfig } from 'vitest/config';

const test = { testTimeout: 30_000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...test,
          name: 'training',
          include: ['test/train/**/*.test.ts'],
          // Nothing in it is timed closely, and the engines that it starts take a thread each.
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...test,
          name: 'serving',
          include: ['test/**/*.test.ts'],
          exclude: ['test/train/**'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
