import { defineConfig } from 'vitest/config';

// Servers are started in hooks.
const test = { testTimeout: 30_000, hookTimeout: 60_000 };
const serving = { globalSetup: 'test/support/build-server.ts' };
const training = ['test/train/**/*.test.ts'];
// Of the handlers' tests those that no clock judges, or a patient one.
const patient = [
  'app',
  'config',
  'huggingface',
  'lazy-recognizer',
  'native',
  'node',
  'openapi',
  'pool',
  'sagemaker',
  'stopping',
  'threaded-recognizer',
  'tritonclient',
];
// What is to be answered within a time, or together.
const timed = [`test/handlers/**/!(${patient.join('|')}).test.ts`, 'test/load/**/*.test.ts'];
// Of the others nothing is timed closely, and the engines that training starts take a thread each.
const shared = { ...test, maxWorkers: '100%' };

export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'training', include: training, sequence: { groupOrder: 0 } } },
      {
        test: {
          ...shared,
          ...serving,
          name: 'serving',
          include: ['test/**/*.test.ts'],
          exclude: [...training, ...timed],
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...test, ...serving, name: 'timed', include: timed, sequence: { groupOrder: 2 } } },
    ],
  },
});
