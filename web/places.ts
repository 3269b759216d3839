import type { Recognition } from '../src/model/recognizer.js';

export interface Wish {
  saliency: boolean;
  /** Sent to the server as a bearer token. */
  key?: string;
}

/** Somewhere a picture can be looked at. */
export type Place = (picture: Blob, wish: Wish, signal: AbortSignal) => Promise<Recognition>;

/** What went wrong, with the status and code of the server's answer and the seconds after which it wants to be asked again. */
export class PlaceError extends Error {
  constructor(
    message: string,
    readonly status?: number,
    readonly code?: string,
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

/** The server that this page came from. */
export const server: Place = async (picture, { saliency, key }, signal) => {
  const headers = keyed(key);
  // A picture is told by its bytes, whatever its file is called.
  headers.set('content-type', 'application/octet-stream');
  let response: Response;
  try {
    response = await fetch(`v1/expressions${saliency ? '?saliency=top' : ''}`, {
      method: 'POST',
      body: picture,
      headers,
      signal,
    });
  } catch {
    throw new PlaceError('The server does not answer.');
  }
  const answer = await response.json().catch(() => undefined);
  if (response.ok && answer) return answer;
  throw new PlaceError(
    answer?.error?.message ?? `The server answers ${response.status}.`,
    response.status,
    answer?.error?.code,
    Number(response.headers.get('retry-after')),
  );
};

/** Headers hold Latin-1 alone, without control characters. */
function keyed(key: string | undefined): Headers {
  try {
    return new Headers(key ? { authorization: `Bearer ${key}` } : {});
  } catch {
    throw new PlaceError('The API key has characters that cannot be sent.');
  }
}

/** A Web Worker of this page with the same code and model, so that nothing leaves the device. */
export function inThisBrowser(): Place {
  let worker: Worker | undefined;
  let last = Promise.resolve<unknown>(undefined);

  async function ask(picture: Blob, { saliency }: Wish): Promise<Recognition> {
    const bytes = new Uint8Array(await picture.arrayBuffer());
    worker ??= new Worker('browser/worker.js', { type: 'module' });
    const asked = worker;
    return new Promise((resolve, reject) => {
      asked.onmessage = ({ data }) =>
        data.error ? reject(new PlaceError(data.error.message)) : resolve(data.recognition);
      asked.onerror = () => {
        asked.terminate();
        worker = undefined;
        reject(new PlaceError('The model cannot be loaded into this browser from here.'));
      };
      asked.postMessage({ bytes, options: saliency ? { saliency: 'top' } : {} }, [bytes.buffer]);
    });
  }

  // One after the other: answers come without names.
  return (picture, wish, signal) => {
    const answer = last.then(() => {
      signal.throwIfAborted();
      return ask(picture, wish);
    });
    last = answer.catch(() => {});
    return answer;
  };
}
