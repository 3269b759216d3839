import type { FrameAnswer } from '../handlers/routes/expressions/stream.js';
import { ClientError } from './error.js';

/**
 * The lines of a stream's answer as they come.
 * @throws ClientError the server's reason where it ends the stream; Error where that is cut off, or is no stream of mien's
 */
export async function* answersOf(response: Response): AsyncGenerator<FrameAnswer, undefined> {
  const type = response.headers.get('content-type');
  if (!response.body || !type?.startsWith('application/x-ndjson'))
    throw new Error(`instead of a stream it answers ${type ?? 'nothing'}`);
  for await (const line of linesOf(response.body)) {
    const answer: FrameAnswer = JSON.parse(line);
    if ('final' in answer) {
      const { code, message, requestId } = answer.error;
      throw new ClientError(message, code, undefined, requestId);
    }
    yield answer;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() as string;
      yield* lines;
    }
    if (rest.trim()) throw new Error('its stream ends within a line');
  } finally {
    await reader.cancel().catch(() => {});
  }
}
