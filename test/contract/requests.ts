/** The requests that the contract is made of, and what it asks of every answer. */
import { expect } from 'vitest';
import type { Recognition } from '../../src/model/recognizer.js';
import { join, pngChunk } from '../support/pictures.js';

/** `fetch`, but with a path for an address. */
export type Request = (path: string, init?: RequestInit) => Promise<Response>;

export interface ContractOptions {
  /** The request body limit that the runtime was started with, bytes; the photos need 1,100,000. */
  maxBodyBytes: number;
  /** What answers must say of the model. */
  model: { name: string; version: string | RegExp };
  backend: string;
  /** Whether a body can be sent in pieces without its length; not so where a gateway collects it. Default true. */
  streams?: boolean;
  /** Whether the runtime reads a refused body to its end, so that its sender sees the answer. Default false. */
  drains?: boolean;
}

export const EXPRESSIONS = '/v1/expressions';

/** 8 bytes of magic and an IHDR that claims `side` x `side` pixels, with nothing behind. */
export function pngClaiming(side: number): Uint8Array {
  const size = [24, 16, 8, 0].map((shift) => (side >>> shift) & 255);
  return join([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10], pngChunk('IHDR', [...size, ...size, 8, 2, 0, 0, 0]));
}

export const post = (body: BodyInit | Uint8Array, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: body as BodyInit,
  headers,
});
export const postJson = (value: unknown) =>
  post(JSON.stringify(value), { 'content-type': 'application/json' });
export const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

export function form(...fields: [name: string, value: Uint8Array | string][]): RequestInit {
  const data = new FormData();
  for (const [name, value] of fields) {
    if (typeof value === 'string') data.append(name, value);
    else data.append(name, new Blob([value as Uint8Array<ArrayBuffer>], { type: 'image/png' }), 'photo.png');
  }
  return { method: 'POST', body: data };
}

/** What .NET's HttpClient writes, which browsers would not. */
export function dotNetForm(file: Uint8Array): RequestInit {
  const text = new TextEncoder();
  const disposition = "form-data; name=image; filename=photo.png; filename*=utf-8''photo.png";
  const head = text.encode(`--b\r\nContent-Disposition: ${disposition}\r\n\r\n`);
  const body = join(head, file, text.encode('\r\n--b--\r\n'));
  return post(body, { 'content-type': 'multipart/form-data; boundary="b"' });
}

/** A body in pieces of 64 KiB, without a length. Counts what has been taken of it. */
export function pieces(size: number): { init: RequestInit; taken(): number } {
  let taken = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (taken >= size) return controller.close();
      controller.enqueue(new Uint8Array(Math.min(65536, size - taken)).fill(1));
      taken += 65536;
    },
  });
  return { init: { method: 'POST', body: stream, duplex: 'half' } as RequestInit, taken: () => taken };
}

/** The two ways a request can end, each checked as far as it goes for all requests. */
export function caller(request: Request) {
  const recognize = async (init: RequestInit, query = ''): Promise<Recognition> => {
    const response = await request(EXPRESSIONS + query, init);
    const body = await response.text();
    expect(response.status, body).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    return JSON.parse(body);
  };

  /** Sends what must fail, and checks the envelope, key by key. */
  async function fails(path: string, init: RequestInit | undefined, status: number, code: string) {
    const response = await request(path, init);
    const text = await response.text();
    expect(response.status, text).toBe(status);
    const { error, ...rest } = JSON.parse(text);
    expect(rest).toEqual({});
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^\S.*\.$/s) });
    expect(Object.keys(error).filter((key) => key !== 'details')).toEqual(['code', 'message', 'requestId']);
    expect(error.requestId).toBe(response.headers.get('x-request-id'));
    expect(text).not.toMatch(/\.[jt]s:\d|\\n\s+at /); // no stack
    return { response, error };
  }

  return { recognize, fails };
}
