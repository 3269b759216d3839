/** Writes docs/configuration.md from the schema that checks the environment: npm run docs */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { packageRoot } from '../../src/assets/node.js';
import { settings } from '../../src/handlers/config.js';
import { guardSettings } from '../../src/handlers/guard.js';
import { upstreamSettings } from '../../src/handlers/upstream.js';
import { writeAtomically } from '../lib/files.js';

const shown = (schema: z.ZodType): string => {
  const { shown } = schema.meta() as { shown?: string };
  if (shown) return shown;
  const value = schema.parse(undefined);
  return value === undefined || (Array.isArray(value) && value.length === 0) ? 'none' : `\`${value}\``;
};

/** The page. */
export function configuration(): string {
  const rows = Object.entries(settings.shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const everywhere = name in guardSettings.shape || name in upstreamSettings.shape ? 'all' : 'Node';
    return `| \`${name}\` | ${shown(schema)} | ${schema.description} | ${everywhere} |`;
  });
  return `# Configuration

Settings are environment variables, all checked at the start: a wrong one is named, and nothing runs. On Workers they are
variables and secrets of the Worker; what only Node has is fixed there by the platform's limits (\`src/handlers/worker.ts\`,
\`src/handlers/lambda.ts\`, \`wrangler.jsonc\`).

| variable | default | meaning | runtimes |
|---|---|---|---|
${rows.join('\n')}

Written by \`npm run docs\` from \`src/handlers/config.ts\`.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeAtomically(join(packageRoot(), 'docs', 'configuration.md'), configuration());
