import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { app } from './support/synth.js';

const version = spawnSync('cfn-lint', ['--version'], { encoding: 'utf8' });
const installed = version.status === 0;
if (!installed) console.warn('skipped: cfn-lint is not installed (pip install cfn-lint)');

it.skipIf(!installed)('cfn-lint finds nothing in the templates', { timeout: 120_000 }, () => {
  const { directory } = app().synth();
  const { status, stdout } = spawnSync(
    'cfn-lint',
    [
      '--config-file',
      fileURLToPath(new URL('../.cfnlintrc.yaml', import.meta.url)),
      '--template',
      ...['foundation', 'gpu', 'fallback', 'sagemaker', 'training'].map(
        (name) => `${directory}/mien-prod-${name}.template.json`,
      ),
    ],
    { encoding: 'utf8' },
  );
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
