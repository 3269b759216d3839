import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type ConfigInput, parseConfig } from '../../lib/config.js';
import { createApp } from '../../stacks/app.js';

const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

/** A resource of a template, as far as the tests look into it. */
export interface Resource {
  Type: string;
  DeletionPolicy?: string;
  DependsOn?: string[];
  // biome-ignore lint/suspicious/noExplicitAny: properties have the shape of their type
  Properties: any;
}

export interface Synthesised {
  app: App;
  stacks: Record<string, Stack>;
  templates: Record<string, Template>;
  /** All resources of a type, in one stack or in all. */
  resources(type: string, stack?: string): Resource[];
}

/** The app with the flags of cdk.json, in a folder of its own. */
export function app(input: ConfigInput = {}): App {
  return createApp(parseConfig(input), { context, outdir: mkdtempSync(join(tmpdir(), 'mien-cdk-')) });
}

/** Synthesises all stacks, named by their last word: `foundation`, `gpu`, ... */
export function synthesise(input: ConfigInput = {}): Synthesised {
  const made = app(input);
  const stacks: Record<string, Stack> = Object.fromEntries(
    made.node.children.flatMap((child) =>
      child.node.id.startsWith('mien-') ? [[child.node.id.split('-').at(-1), child as Stack]] : [],
    ),
  );
  const templates = Object.fromEntries(
    Object.entries(stacks).map(([name, stack]) => [name, Template.fromStack(stack)]),
  );
  return {
    app: made,
    stacks,
    templates,
    resources: (type, stack) =>
      Object.entries(templates)
        .filter(([name]) => !stack || name === stack)
        .flatMap(([, template]) => Object.values(template.findResources(type)) as Resource[]),
  };
}
