/** What `"compile": true` makes of the teachers is what they are without. Needs a Python with torch, and a C++ compiler. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';
import { python, runPython } from '../support/training.js';

const compiler = spawnSync('c++', ['--version']).status === 0;
if (!compiler) console.warn('skipped: compiled teachers; there is no C++ compiler');

const CODE = `
import json, shutil, sys, tempfile
from pathlib import Path
import torch
from distill import PUBLISHED, TEACHER, Teachers

with tempfile.TemporaryDirectory() as folder:
    for name, own in zip(PUBLISHED, TEACHER):
        shutil.copyfile(Path(sys.argv[1]) / name, Path(folder) / own)
    teachers = Teachers([Path(folder)], {"temperature": 2, "weight": 1}, "cpu")
compiled = torch.compile(teachers.targets, dynamic=False)
pictures = torch.rand(4, 1, 48, 48, generator=torch.Generator().manual_seed(1)) * 255
before, alike = teachers.targets(pictures), compiled(pictures)
with torch.no_grad():
    teachers.networks[0].head.bias[0] += 1
after, follows = teachers.targets(pictures), compiled(pictures)
apart = lambda one, other: (one - other).abs().max().item()
print(json.dumps({"alike": apart(before, alike), "follows": apart(after, follows), "control": apart(before, follows)}))
`;

it.skipIf(!python || !compiler)(
  'compiled teachers say what they say uncompiled, and follow their weights',
  () => {
    const model = join(packageRoot(), 'models', 'mien-v1');
    const { alike, follows, control } = JSON.parse(
      runPython(CODE, new Uint8Array(), model).toString(),
    ) as Record<'alike' | 'follows' | 'control', number>;
    expect(alike).toBeLessThan(1e-5);
    expect(follows).toBeLessThan(1e-5);
    expect(control).toBeGreaterThan(1e-2);
  },
  240_000,
);
