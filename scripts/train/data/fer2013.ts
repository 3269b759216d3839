import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';
import { CROP_SIZE } from '../../../src/model/architecture.js';
import { MienError } from '../../../src/model/errors.js';
import { LABELS } from '../../../src/model/labels.js';

/** FER2013's official splits, in the order of their codes in a packed data set. */
export const SPLITS = ['Training', 'PublicTest', 'PrivateTest'] as const;
export type Split = (typeof SPLITS)[number];

/** FER+'s vote columns: ten annotators' votes a face. */
export const VOTES = [
  'neutral',
  'happiness',
  'surprise',
  'sadness',
  'anger',
  'disgust',
  'fear',
  'contempt',
  'unknown',
  'NF',
] as const;

/** One row of fer2013.csv: a 48×48 grey uint8 picture, an index into LABELS, its split. */
export interface Sample {
  pixels: Uint8Array;
  label: number;
  split: Split;
}

const fault = (file: string, row: number, what: string) =>
  new MienError('invalid_data', `${file}, row ${row}: ${what}`, { details: { file, row } });

/** @throws {MienError} `invalid_data` where a column is absent, or a row is no row */
async function* records(file: string, columns: readonly string[]): AsyncGenerator<Record<string, string>> {
  const stream = createReadStream(file);
  const parser = parse({ columns: true, trim: true, bom: true });
  const source = file.endsWith('.gz') ? stream.pipe(createGunzip()) : stream;
  // pipe() hands errors to nobody, and an unread file must not hang the parser.
  stream.on('error', (error: Error) => parser.destroy(error));
  source.on('error', (error: Error) => parser.destroy(error));
  try {
    for await (const record of source.pipe(parser)) {
      refuseLacking(file, record, columns);
      yield record;
    }
  } catch (cause) {
    if (MienError.is(cause)) throw cause;
    // The parser counts the records that it has read, the header apart: the next one is at fault.
    if (cause instanceof CsvError && typeof cause.records === 'number')
      throw fault(file, cause.records + 1, cause.message);
    throw new MienError('invalid_data', `${file}: ${(cause as Error).message}`, { cause, details: { file } });
  }
}

function refuseLacking(file: string, record: Record<string, string>, columns: readonly string[]): void {
  const lacking = columns.filter((name) => !(name in record));
  if (lacking.length > 0)
    throw new MienError(
      'invalid_data',
      `${file}: no column ${lacking.join(', ')}; it needs ${columns.join(', ')}`,
      { details: { file } },
    );
}

const [SPACE, ZERO] = [' ', '0'].map((sign) => sign.charCodeAt(0)) as [number, number];

/** Parses "0 255 17 …" into exactly 2304 bytes; undefined if it is anything else. By character: there are 83 million numbers. */
function parsePixels(text: string): Uint8Array | undefined {
  const pixels = new Uint8Array(CROP_SIZE * CROP_SIZE);
  let [at, value, digits] = [0, 0, 0];
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : SPACE;
    const digit = code - ZERO;
    if (code === SPACE) {
      if (digits === 0 || value > 255 || at === pixels.length) return undefined;
      pixels[at++] = value;
      value = digits = 0;
    } else if (digit >= 0 && digit <= 9) {
      value = 10 * value + digit;
      digits++;
    } else return undefined;
  }
  return at === pixels.length ? pixels : undefined;
}

/**
 * Streams fer2013.csv or fer2013.csv.gz (columns emotion, pixels, Usage), in file order.
 * @throws {MienError} `invalid_data`, naming file and data row (the first after the header is 1).
 */
export async function* readFer2013(file: string): AsyncGenerator<Sample> {
  let row = 0;
  for await (const record of records(file, ['emotion', 'pixels', 'Usage'])) {
    row++;
    const label = Number(record.emotion);
    if (record.emotion === '' || !(label in LABELS))
      throw fault(file, row, `emotion is "${record.emotion}", not 0 to ${LABELS.length - 1}`);
    const split = record.Usage as Split;
    if (!SPLITS.includes(split))
      throw fault(file, row, `Usage is "${record.Usage}", not ${SPLITS.join(', ')}`);
    const pixels = parsePixels(record.pixels ?? '');
    if (!pixels) throw fault(file, row, `pixels are not ${CROP_SIZE * CROP_SIZE} numbers of 0 to 255`);
    yield { pixels, label, split };
  }
  if (row === 0) throw new MienError('invalid_data', `${file}: no rows`, { details: { file } });
}

/**
 * Streams fer2013new.csv, FER+'s votes (uint8 [10], in the order of VOTES), row-aligned with fer2013.csv, and the split of
 * each row, by which one sees that they are.
 * @throws {MienError} `invalid_data`, naming file and row.
 */
export async function* readFerPlus(file: string): AsyncGenerator<{ votes: Uint8Array; split: string }> {
  let row = 0;
  for await (const record of records(file, ['Usage', ...VOTES])) {
    row++;
    const votes = VOTES.map((name) => Number(record[name]?.trim() || Number.NaN));
    if (votes.some((count) => !Number.isInteger(count) || count < 0 || count > 10))
      throw fault(file, row, `votes are not ${VOTES.length} counts of 0 to 10`);
    yield { votes: Uint8Array.from(votes), split: record.Usage as string };
  }
}
