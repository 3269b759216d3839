import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configuration } from '../../scripts/docs/configuration.js';
import { packageRoot } from '../../src/assets/node.js';
import { settings } from '../../src/handlers/config.js';

test('docs/configuration.md has every setting with its default, as the code has them', () => {
  expect(readFileSync(join(packageRoot(), 'docs/configuration.md'), 'utf8')).toBe(configuration());
  for (const name of Object.keys(settings.shape))
    expect(configuration()).toMatch(new RegExp(`^\\| \`${name}\` \\|.+\\|.{12,}\\|`, 'm'));
});
