#!/usr/bin/env node
/** The package's command: `mien predict FILE...`, `mien serve`. */

const COMMANDS: Record<string, () => Promise<unknown>> = {
  predict: () => import('./predict.js'),
  serve: () => import('../src/handlers/node.js'),
};

// Each command reads what is left.
const [name] = process.argv.splice(2, 1);
const command = COMMANDS[name ?? ''];
if (command) await command();
else {
  console.error('usage: mien predict FILE... [--json] [--saliency out.png]\n       mien serve');
  process.exitCode = 1;
}

export {};
