/** The torch engine's programs: their faults, their start, their end, and the teachers that a run's folder gets. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TORCH_ENGINE } from '../../scripts/lib/python.js';
import { tinyConfiguration } from '../support/tiny-run.js';
import { python, type Running, runPython, script } from '../support/training.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-torch-commands-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);

describe.skipIf(!python)('the torch engine', () => {
  it('says a fault in one line', () => {
    const options = ['--architecture', at('absent.json'), '--weights', at('absent.safetensors')];
    const { status, stderr } = spawnSync(python as string, [join(TORCH_ENGINE, 'classify.py'), ...options], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^error: cannot read .*absent.json: .*\n$/)]);
  });

  it('refuses crops that end within one', () => {
    const options = [
      '--architecture',
      'models/mien-v1/architecture.json',
      '--weights',
      'models/mien-v1/weights.safetensors',
    ];
    const { status, stderr } = spawnSync(python as string, [join(TORCH_ENGINE, 'classify.py'), ...options], {
      input: new Uint8Array(2305),
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([
      1,
      'error: standard input has 2305 bytes, which are no crops of 48 x 48\n',
    ]);
  });

  it.each([
    ['--seconds', '-5'],
    ['--seconds', 'nan'],
    ['--steps', '0'],
  ])('refuses %s %s', (option, value) => {
    const options = ['--run', at('none'), '--data', at('none'), `${option}=${value}`];
    const { status, stderr } = spawnSync(python as string, [join(TORCH_ENGINE, 'train.py'), ...options], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining(`argument ${option}: ${value} is not above 0`),
    ]);
  });

  it('counts the import of torch in the time that a run may take', () => {
    const code = `
import time
start = time.monotonic()
import train
print((train.START - start) / (time.monotonic() - start))`;
    expect(Number(runPython(code))).toBeLessThan(0.2);
  });

  /** A run that takes long, with a first checkpoint. */
  async function long(name: string): Promise<Running> {
    const stages = [{ side: 16, epochs: 100_000, batch: 14 }];
    writeFileSync(at('long.json'), JSON.stringify({ ...tinyConfiguration(), stages }));
    const options = ['--config', at('long.json'), '--run', at(name), '--checkpoint-seconds', '0'];
    const running = script('train', ...options);
    while (!existsSync(at(name, 'checkpoint.pt'))) await new Promise((wake) => setTimeout(wake, 50));
    return running;
  }

  it('says in one line that Ctrl-C has stopped it, which all of a terminal’s processes get', async () => {
    const running = await long('interrupted');
    process.kill(-(running.child.pid as number), 'SIGINT');
    const { said } = await running.ended;
    expect(running.child.signalCode).toBe('SIGINT');
    const lines = said.split('\n').filter((line) => line !== '');
    expect(lines.at(-1)).toBe('stopped: --resume goes on');
    expect(said.match(/stopped|Traceback|error/g)).toEqual(['stopped']);
  }, 120_000);

  it('ends with the command that started it', async () => {
    const running = await long('long');
    const ended = new Promise((done) => running.child.on('exit', done));
    running.child.kill('SIGTERM');
    await ended;
    // Nothing is left of the group that it and its engine are in: there is nobody to kill.
    expect(running.kill).toThrow('ESRCH');
  }, 120_000);
});

describe.skipIf(!python)('a training', () => {
  it('refuses the batches that its processes cannot share before it begins, whichever stage has them', () => {
    mkdirSync(at('shared'));
    const stages = [16, 14, 24].map((batch) => ({ side: 16, epochs: 1, batch }));
    writeFileSync(at('shared', 'config.json'), JSON.stringify({ ...tinyConfiguration(), stages }));
    const code = `
import sys
from pathlib import Path
import training
from files import Fault
class Processes(training.Processes):
    def __init__(self):
        super().__init__()
        self.count = 4
training.Processes = Processes
try:
    training.Training(Path(sys.argv[1]), "absent")
except Fault as fault:
    print(fault)`;
    expect(runPython(code, new Uint8Array(), at('shared')).toString()).toBe(
      'a batch of 14 cannot be shared in pairs by 4 processes\n',
    );
  });
});

describe.skipIf(!python)('teachers', () => {
  const code = `
import sys
from pathlib import Path
from distill import collect
class Processes:
    def __init__(self, first): self.first, self.waited = first, 0
    def wait(self): self.waited += 1
root = Path(sys.argv[1])
run = root / "run"
def teacher(name, weights):
    (root / name).mkdir()
    (root / name / "architecture.json").write_text("{}")
    (root / name / weights).write_text(name)
    return str(root / name)
one, two = teacher("one", "best.safetensors"), teacher("two", "weights.safetensors")
def held(): return [(place / "best.safetensors").read_text() for place in sorted((run / "teachers").iterdir())]
other = Processes(False)
collect(run, [one], other)
assert not run.exists() and other.waited == 1, "only the first process copies"
run.mkdir()
first = Processes(True)
collect(run, [one, two], first)
assert held() == ["one", "two"] and first.waited == 1
collect(run, [two, str(root / "absent")], first)
assert held() == ["two", "two"], "before it has begun, the configuration's are copied anew, if they are here"
(run / "checkpoint.pt").write_text("")
(run / "teachers" / "1" / "architecture.json").unlink()
collect(run, [one, one], first)
assert held() == ["two", "one"], "one that is whole stays, one that is not is copied again"
`;

  it('are copied whole, by one process, and anew until the run has begun', () => {
    runPython(code, new Uint8Array(), mkdtempSync(at('teachers-')));
  });
});
