import { ApiError } from './errors.js';

/** Bytes that come in pieces. */
export interface Gathered {
  /** @throws ApiError `body_too_large` */
  add(piece: Uint8Array): void;
  /** What has come since the last time. */
  take(): Uint8Array;
}

/**
 * Gathers at most so many bytes at a time. They are copied into one buffer that doubles, since pieces that were kept would
 * cost memory by their number: one of a single byte some 400.
 */
export function gather(maxBytes: number): Gathered {
  let buffer = new Uint8Array();
  let size = 0;
  return {
    add(piece) {
      const needed = size + piece.length;
      if (needed > maxBytes) throw tooLarge(maxBytes);
      if (needed > buffer.length) {
        const larger = new Uint8Array(Math.min(maxBytes, Math.max(needed, 2 * buffer.length)));
        larger.set(buffer.subarray(0, size));
        buffer = larger;
      }
      buffer.set(piece, size);
      size = needed;
    },
    take() {
      const all = size === buffer.length ? buffer : buffer.slice(0, size);
      [buffer, size] = [new Uint8Array(), 0];
      return all;
    },
  };
}

export const tooLarge = (maxBytes: number) =>
  new ApiError('body_too_large', `The body is larger than ${maxBytes} bytes.`, {
    details: { maxBodyBytes: maxBytes },
  });
