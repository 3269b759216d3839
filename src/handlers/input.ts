import { z } from 'zod';
import { ApiError } from './errors.js';
import { type Part, readForm } from './multipart.js';

const picture = z.string().describe('base64, or a data: URL');

export const jsonBody = z.strictObject({ image: picture });

/** Most pictures of one request. */
const MAX_IMAGES = 32;

export const jsonBatch = z.strictObject({ images: z.array(picture).min(1).max(MAX_IMAGES) });

/** Gives a picture's bytes when it is its turn. Throws ApiError `invalid_request`. */
export type Source = () => Uint8Array;

/** The first part of a content type, in lower case. */
const kindOf = (contentType: string | undefined) => contentType?.split(';')[0]?.trim().toLowerCase() ?? '';

export const isJson = (contentType: string | undefined) => kindOf(contentType) === 'application/json';
const isForm = (contentType: string | undefined) => kindOf(contentType) === 'multipart/form-data';

/**
 * The image in a request's body, in any of the three ways that one may be sent: JSON `{"image": base64}`, a
 * form with one file in the field `image`, or, with every other content type, the bytes themselves. What they
 * are is told by their first bytes later on, so that `curl --data-binary`, which calls all a form, just works.
 *
 * @throws ApiError `invalid_request` where the wrapping is wrong
 */
export function imageFromBody(contentType: string | undefined, body: Uint8Array): Uint8Array {
  if (body.length === 0) return body;
  if (isJson(contentType))
    return decodeBase64(validated(jsonBody, parseJson(body), 'The body').image, 'image');
  if (isForm(contentType)) return fromForm(contentType as string, body);
  return body;
}

/**
 * The pictures in a request's body, in order: JSON `{"images": [base64, ...]}`, or a form whose files are all called
 * `image`. One that is wrong by itself fails only when its bytes are asked for.
 *
 * @throws ApiError `invalid_request` where the wrapping is wrong
 */
export function imagesFromBody(contentType: string | undefined, body: Uint8Array): Source[] {
  if (isJson(contentType)) {
    const { images } = validated(jsonBatch, parseJson(body), 'The body');
    return images.map((image, index) => () => decodeBase64(image, `images.${index}`));
  }
  if (!isForm(contentType)) {
    const message = 'Several pictures come as multipart/form-data or as application/json.';
    throw new ApiError('invalid_request', message);
  }
  const images = parseForm(contentType as string, body).filter(isImage);
  if (images.length === 0 || images.length > MAX_IMAGES) {
    const message = `The form must have 1 to ${MAX_IMAGES} fields "image"; it has ${images.length}.`;
    throw new ApiError('invalid_request', message);
  }
  return images.map((image) => () => fileBytes(image));
}

/** Most values of JSON that holds pictures: these, and what is said of them. */
const MOST_VALUES = 1000;

const VALUE_MARKS = [...',[{'].map((mark) => mark.charCodeAt(0));

/**
 * Whether JSON may hold more values than that: each has a comma or a bracket before it. Counted, since millions of empty lists
 * would take seconds to parse, for which all other requests wait; long texts are quick.
 */
function hasMoreValues(json: Uint8Array, most: number): boolean {
  let values = 0;
  for (const mark of VALUE_MARKS)
    for (let at = json.indexOf(mark); at >= 0; at = json.indexOf(mark, at + 1))
      if (++values > most) return true;
  return false;
}

/**
 * @param what the client is told of
 * @param mostValues texts, numbers, lists and objects that it may hold
 * @throws ApiError `invalid_request`
 */
export function parseJson(body: Uint8Array, what = 'The body', mostValues = MOST_VALUES): unknown {
  if (hasMoreValues(body, mostValues))
    throw new ApiError('invalid_request', `${what} holds more than ${mostValues} values.`);
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new ApiError('invalid_request', `${what} is not JSON.`, { cause });
  }
}

function parseForm(contentType: string, body: Uint8Array): Part[] {
  try {
    return readForm(contentType, body);
  } catch (cause) {
    throw new ApiError('invalid_request', 'The body is not the multipart form that its type claims.', {
      cause,
    });
  }
}

function fromForm(contentType: string, body: Uint8Array): Uint8Array {
  const form = parseForm(contentType, body);
  const images = form.filter(isImage);
  const [image] = images;
  if (images.length !== 1 || image === undefined) {
    const message = `The form must have exactly one field "image"; it has ${images.length}.`;
    throw new ApiError('invalid_request', message, {
      details: { fields: [...new Set(form.map(({ name }) => name))].slice(0, 10) },
    });
  }
  return fileBytes(image);
}

const isImage = ({ name }: Part) => name === 'image';

function fileBytes({ isFile, isBase64, bytes }: Part): Uint8Array {
  if (!isFile) {
    throw new ApiError('invalid_request', 'The form\'s field "image" must be a file, not text.');
  }
  // A copy, since a thread is sent all of the memory that bytes lie in.
  return isBase64 ? decodeBase64(new TextDecoder().decode(bytes), 'image') : bytes.slice();
}

/**
 * Takes a data: URL too, since that is what browsers make of a file.
 * @param field the client is told of
 * @throws ApiError `invalid_request`
 */
export function decodeBase64(text: string, field: string): Uint8Array {
  const start = text.startsWith('data:') ? text.indexOf(',') + 1 : 0;
  let characters: string;
  try {
    characters = atob(text.slice(start));
  } catch (cause) {
    throw new ApiError('invalid_request', `The field "${field}" is not base64.`, { cause });
  }
  // A loop, since Uint8Array.from walks the string 30 times as slowly: 0.6 s for 7.5 MB.
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
}

/** Most faults that a client is told of, and the longest message of one, characters: what it has sent may have any number. */
const [MOST_ISSUES, LONGEST_MESSAGE] = [10, 300];

/**
 * Checks what a client has sent.
 *
 * @throws ApiError `invalid_request`, its details listing where and why, of the first ten faults
 */
export function validated<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues
    .slice(0, MOST_ISSUES)
    .map(({ path, message }) => ({ path: path.join('.'), message: message.slice(0, LONGEST_MESSAGE) }));
  const summary = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
  throw new ApiError('invalid_request', `${what} is not valid: ${summary}.`, { details: { issues } });
}
