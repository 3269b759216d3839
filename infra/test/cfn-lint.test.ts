import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { app } from './support/synth.js';
import { tool } from './support/tools.js';

const cfnLint = tool('cfn-lint', "cfn-lint's look at the templates");
const CONFIG = fileURLToPath(new URL('../.cfnlintrc.yaml', import.meta.url));
const lint = (...templates: string[]) =>
  spawnSync(cfnLint as string, ['--config-file', CONFIG, '--template', ...templates], { encoding: 'utf8' });

describe.skipIf(!cfnLint)('cfn-lint', { timeout: 240_000 }, () => {
  it('finds nothing in the templates', () => {
    const { directory } = app().synth();
    const names = ['foundation', 'gpu', 'fallback', 'sagemaker', 'training'];
    const { status, stdout } = lint(...names.map((name) => `${directory}/mien-prod-${name}.template.json`));
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it('finds what is wrong (control)', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'mien-lint-')), 'wrong.template.json');
    const bucket = { Type: 'AWS::S3::Bucket', Properties: { Bucket: 'misspelt' } };
    writeFileSync(file, JSON.stringify({ Resources: { bucket } }));
    const { status, stdout } = lint(file);
    expect(status).not.toBe(0);
    expect(stdout).toContain('E3002');
  });
});
