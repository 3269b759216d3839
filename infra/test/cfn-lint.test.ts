import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { app } from './support/synth.js';
import { tool } from './support/tools.js';

const cfnLint = tool('cfn-lint', "cfn-lint's look at the templates");

it.skipIf(!cfnLint)('cfn-lint finds nothing in the templates', { timeout: 120_000 }, () => {
  const { directory } = app().synth();
  const { status, stdout } = spawnSync(
    cfnLint as string,
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
