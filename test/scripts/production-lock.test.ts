import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Lock, type Manifest, production } from '../../scripts/lib/production-lock.js';
import { packageRoot } from '../../src/assets/node.js';

const read = (...path: string[]) => JSON.parse(readFileSync(join(packageRoot(), ...path), 'utf8'));
const manifest: Manifest = read('package.json');
const lock: Lock = read('package-lock.json');
const native: Lock = read('infra', 'native', 'package-lock.json');
const places = (made: { lock: Lock }) => Object.keys(made.lock.packages);

describe('production', () => {
  test('keeps the dependencies and nothing that development needs', () => {
    const made = production(manifest, lock);
    expect(made.manifest.dependencies).toEqual(manifest.dependencies);
    expect(made.manifest).not.toHaveProperty('devDependencies');
    for (const name of Object.keys(manifest.dependencies))
      expect(made.lock.packages[`node_modules/${name}`]).toBe(lock.packages[`node_modules/${name}`]);
    expect(Object.values(made.lock.packages).filter(({ dev }) => dev)).toEqual([]);
    expect(places(made)).not.toContain('node_modules/typescript');
    expect(made.lock.packages['']).toBe(made.manifest);
  });

  test('adds one native package, not the other, and the versions that both locks share are the same', () => {
    const name = '@tensorflow/tfjs-node-gpu';
    const made = production(manifest, lock, { name, lock: native });
    expect(made.manifest.dependencies[name]).toBe('4.22.0');
    expect(places(made)).toContain(`node_modules/${name}`);
    expect(places(made)).not.toContain('node_modules/@tensorflow/tfjs-node');
    // Two tfjs-cores would be two registries of kernels.
    const core = 'node_modules/@tensorflow/tfjs-core';
    expect(native.packages[core]?.version).toBe(lock.packages[core]?.version);
    expect(places(made).filter((place) => place.endsWith('/tfjs-core'))).toEqual([core]);
  });

  test('gives the project its own version where the locks differ', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '9.0.0', dev: true },
    };
    const extra = {
      '': { dependencies: { x: '1.0.0' } },
      'node_modules/x': { version: '1.0.0' },
      'node_modules/a': { version: '1.1.0' },
      'node_modules/b': { version: '2.0.0' },
    };
    const made = production(
      manifest,
      { lockfileVersion: 3, packages },
      {
        name: 'x',
        lock: { lockfileVersion: 3, packages: extra as Lock['packages'] },
      },
    );
    const { '': _, ...versions } = made.lock.packages;
    expect(versions).toEqual({
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0' },
      'node_modules/x': { version: '1.0.0' },
    });
  });

  test('says which package its lock does not know', () => {
    expect(() => production(manifest, lock, { name: 'nothing', lock: native })).toThrow(
      'nothing is not in its lock file.',
    );
  });
});
