import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pythonWith } from '../../scripts/lib/python.js';
import { loadAssets } from '../../src/assets/node.js';
import { LABELS } from '../../src/model/labels.js';
import { createRecognizer } from '../../src/model/recognizer.js';
import { type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder, untrainedModel } from '../support/untrained.js';

const python = pythonWith('tritonclient.http', 'numpy');
if (!python) console.log('skipped: no Python has tritonclient (pip install "tritonclient[http]")');

describe.skipIf(!python)("Triton's own client", () => {
  const { folder, remove } = untrainedFolder();
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ MODEL: folder });
    await untilReady(server);
  }, 60_000);
  afterAll(async () => {
    await stopServer(server);
    remove();
  });

  test('finds the server, the model and the scores, in JSON and in bytes', { timeout: 120_000 }, async () => {
    const script = join(import.meta.dirname, 'speak-triton.py');
    const { stdout } = await promisify(execFile)(python as string, [script, new URL(server.url).host]);
    const heard = JSON.parse(stdout);
    expect(heard).toMatchObject({
      live: true,
      ready: true,
      model_ready: true,
      version_ready: true,
      other_ready: false,
      server: { name: 'mien' },
      model: { inputs: [{ name: 'crops' }], outputs: [{ name: 'scores' }] },
      id: 'photo-9',
      wrong_shape: { status: '400', message: expect.stringContaining('shape') },
      unknown_model: { status: '404', message: expect.stringContaining('other') },
    });
    expect(heard.model.parameters.labels.split(',')).toEqual([...LABELS]);

    const assets = await loadAssets();
    const recognizer = await createRecognizer({ assets, model: untrainedModel(), backend: 'wasm' });
    const scores = Array.from(await recognizer.classify(Uint8Array.from(heard.crops)));
    recognizer.dispose();
    for (const answer of [...heard.scores, heard.version_scores]) expect(answer.flat()).toEqual(scores);
    expect(new Set(scores).size).toBeGreaterThan(7); // the control: crops are told apart
  });
});
