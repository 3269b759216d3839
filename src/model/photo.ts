import { MienError } from './errors.js';

/** A JPEG, PNG or WebP file: its bytes, or what holds them. A Buffer is a Uint8Array, a File is a Blob. */
export type Photo = Blob | ArrayBuffer | Uint8Array;

/** @throws MienError `invalid_request` where it is no photo, as a caller without types may hand over a file's name */
export function checkPhoto(photo: Photo): void {
  if (!ArrayBuffer.isView(photo) && !(photo instanceof ArrayBuffer) && !(photo instanceof Blob))
    throw new MienError('invalid_request', 'A photo is a Uint8Array, an ArrayBuffer or a Blob.');
}

/**
 * A photo's bytes; copied only where it is a Blob.
 * @throws MienError `invalid_request` where it is no photo; `invalid_image` where a Blob cannot be read, such as a file that has changed since it was chosen
 */
export async function bytesOf(photo: Photo): Promise<Uint8Array> {
  checkPhoto(photo);
  if (ArrayBuffer.isView(photo)) return new Uint8Array(photo.buffer, photo.byteOffset, photo.byteLength);
  if (photo instanceof ArrayBuffer) return new Uint8Array(photo);
  try {
    return new Uint8Array(await photo.arrayBuffer());
  } catch (cause) {
    throw new MienError('invalid_image', `The photo cannot be read: ${(cause as Error).message}`, { cause });
  }
}
