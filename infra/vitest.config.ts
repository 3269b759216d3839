import { defineConfig } from 'vitest/config';

const test = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // A worker a core: a synthesis takes most of one.
  maxWorkers: '100%',
  // CDK's own look at the templates, which only warns, takes ten seconds a process: cfn-lint and cdk-nag have theirs.
  env: { CDK_VALIDATION: 'false' },
};
/** They synthesise, and change nothing but folders of their own. */
const pure = ['lib/**/*', 'stacks/**/*', 'emulator/*', 'cfn-lint'].map((name) => `test/${name}.test.ts`);

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
