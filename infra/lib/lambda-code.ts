import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aws_lambda as lambda, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where the root's `npm run lambda:build` writes. */
export const LAMBDA_BUILD = at('../../dist/lambda');

/** The function's code, or, where it has not been built, a placeholder that answers 503, with a warning. */
export function lambdaCode(scope: Construct, folder = LAMBDA_BUILD): lambda.Code {
  // An empty folder is no function.
  const built = existsSync(join(folder, 'index.mjs'));
  if (!built)
    Validations.of(scope).addWarning(
      'mien:lambda-not-built',
      'dist/lambda has no index.mjs: the function gets a placeholder that answers 503. Run `npm run lambda:build` in the root before deploying.',
    );
  return lambda.Code.fromAsset(built ? folder : at('../placeholder'), { exclude: ['*.d.mts'] });
}
