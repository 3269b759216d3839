/** The CDK app: `npx cdk synth`. Settings come from config.json beside cdk.json, or from `-c config=FILE`. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, parseConfig } from '../lib/config.js';
import { createApp } from '../stacks/app.js';

/** The file that `-c config=FILE` names, or config.json where there is one; all defaults otherwise. */
function readConfig(): unknown {
  const context = JSON.parse(process.env.CDK_CONTEXT_JSON ?? '{}') as { config?: string };
  const file = resolve(context.config ?? 'config.json');
  if (!existsSync(file)) {
    if (context.config) throw new ConfigError(`${file} does not exist`);
    return {};
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${file}: ${(error as Error).message}`);
  }
}

try {
  createApp(parseConfig(readConfig())).synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(1);
}
