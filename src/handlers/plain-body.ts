import { ApiError } from './errors.js';

/**
 * Refuses a body that is compressed. Nothing is unpacked here, since few bytes may become any number, and pictures gain
 * nothing by it.
 *
 * @throws ApiError `unsupported_media_type`, answered as 415 with Accept-Encoding
 */
export function whenPlain(contentEncoding = ''): void {
  const encodings = contentEncoding.split(',').map((encoding) => encoding.trim().toLowerCase());
  const other = encodings.find((encoding) => encoding && encoding !== 'identity');
  if (other === undefined) return;
  const message = `The body's Content-Encoding is ${other.slice(0, 50)}; it has to be sent as it is.`;
  throw new ApiError('unsupported_media_type', message, { details: { acceptEncoding: 'identity' } });
}
