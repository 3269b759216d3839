import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { findPeer } from '../../../scripts/bench/peers.js';
import { packageRoot } from '../../../src/assets/node.js';

/** What onnxruntime-web's time in one thread may be multiplied with at the most: the mark is 0.85. */
const MARK = 0.85;

test.skipIf(!findPeer('onnxruntime-web'))(
  'npm run bench -- --quick, where npm run setup:bench has put the peers: mien is faster than onnxruntime-web',
  async () => {
    const command = ['--import', 'tsx', 'scripts/bench.ts', '--quick'];
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: packageRoot() });
    const [header, , ...rows] = stdout.trim().split('\n');
    expect(header).toBe('|  | ms a face | ratio | processor ms | ratio |');
    const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
    expect(cells.map(([, title]) => title)).toEqual(['**mien, wasm**', 'onnxruntime-web, 1 thread']);
    const [mien, baseline] = cells.map(([, , ms, ratio, processorMs, processorRatio]) => {
      for (const time of [ms, processorMs]) expect(time).toMatch(/^[\d.]+ \([\d.]+ to [\d.]+\)$/);
      return [ms, ratio, processorMs, processorRatio].map((cell) => Number.parseFloat(cell as string));
    }) as [number[], number[]];
    console.log(stdout);
    expect([baseline[1], baseline[3]]).toEqual([1, 1]); // the control: ratios are to it
    expect(mien[0]).toBeGreaterThan(0);
    // Of processor time: other tests have the processors too.
    expect(mien[3]).toBeLessThan(MARK);
  },
  // Some 15 s where nothing else runs.
  120_000,
);
