import { InferenceClient } from '@huggingface/inference';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { astronautBytes } from '../support/pictures.js';
import { type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';

const { folder, remove } = untrainedFolder();
let server: Server;
beforeAll(async () => {
  server = await startServer({ MODEL: folder });
  await untilReady(server);
}, 30_000);
afterAll(async () => {
  await stopServer(server);
  remove();
});

test("Hugging Face's own client gets the scores of the surest face", async () => {
  const photo = astronautBytes();
  const answer = await fetch(`${server.url}/v1/expressions`, { method: 'POST', body: photo as BodyInit });
  const client = new InferenceClient('a-token').endpoint(`${server.url}/huggingface`);
  const data = new Blob([photo as BlobPart], { type: 'image/png' });
  expect(await client.imageClassification({ data })).toEqual((await answer.json()).faces[0].expressions);
  await expect(client.imageClassification({ data: new Blob(['no picture']) })).rejects.toThrow(
    /neither a JPEG/,
  );
});
