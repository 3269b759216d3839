import { describe, expect, test } from 'vitest';
import { ApiError } from '../../src/handlers/errors.js';
import { imageFromBody, imagesFromBody } from '../../src/handlers/input.js';

const TYPE = 'multipart/form-data; boundary=b';
/** What looks like a delimiter, but stands in no line of its own, or is not all of its line. */
const FILE = '\x89PNG\r\n\r\n--bc\r\n--\r--b\n--b\r\n';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (image: Uint8Array) => String.fromCharCode(...image);
const part = (disposition: string, ...more: string[]) =>
  `--b\r\n${[`Content-Disposition: ${disposition}`, ...more].join('\r\n')}\r\n\r\n${FILE}\r\n`;
const read = (body: string, type = TYPE) => text(imageFromBody(type, bytes(body)));
const PLAIN = part('form-data; name="image"; filename="a.jpg"');

describe('a form with one image', () => {
  test.each([
    ['as browsers write it', 'form-data; name="image"; filename="a.jpg"'],
    ['as .NET writes it', "form-data; name=image; filename=a.jpg; filename*=utf-8''a.jpg"],
    ['whose file has a name in UTF-8 alone', "form-data; name=image; filename*=utf-8''%e2%82%ac.jpg"],
    ['whose file is named first', 'form-data; filename="a.jpg"; name="image"'],
    ['without spaces', 'form-data;name="image";filename="a.jpg"'],
    ['with a semicolon at its end', 'form-data; name="image"; filename="a.jpg";'],
    ['in other letters', 'Form-Data; NAME="image"; FileName="a.jpg"'],
    ['with spaces about the sign', 'form-data ; name = "image" ; filename = a.jpg'],
    ['over two lines', 'form-data; name="image";\r\n filename="a.jpg"'],
    ['with semicolons and quotes in a name', 'form-data; filename="a;name=\\"x\\".jpg"; name="image"'],
    ['with a backslash at the end of a name', 'form-data; filename="a\\"; name="image"'],
    ['whose file has no name', 'form-data; name="image"; filename=""'],
  ])('%s', (_, disposition) => {
    expect(read(`${part(disposition)}--b--\r\n`)).toBe(FILE);
  });

  test.each([
    ['with a preamble', `Nothing\r\nof this counts: --b\r\n${PLAIN}--b--\r\n`],
    ['with an epilogue', `${PLAIN}--b--\r\nnor of this\r\n--b\r\n`],
    ['without a last line break', `${PLAIN}--b--`],
    ['with spaces behind the boundary', `${PLAIN.replace('--b\r', '--b \t\r')}--b--\r\n`],
    ['with text beside it', `--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n${PLAIN}--b--\r\n`],
  ])('%s', (_, body) => {
    expect(read(body)).toBe(FILE);
  });

  test.each([
    'multipart/form-data; boundary="b"',
    'multipart/form-data;charset=utf-8;boundary=b;',
    'Multipart/Form-Data; Boundary=b',
  ])('%s', (type) => {
    expect(read(`${PLAIN}--b--\r\n`, type)).toBe(FILE);
  });

  test('with the longest boundary, and the oddest', () => {
    const boundary = `${'-'.repeat(40)}='()+_,./:? ${'x'.repeat(18)}`;
    const body = `${PLAIN}--b--\r\n`.replace(/^--b/gm, `--${boundary}`);
    expect(read(body, `multipart/form-data; boundary="${boundary}"`)).toBe(
      FILE.replace(/^--b/gm, `--${boundary}`),
    );
  });

  test.each(['image/jpeg', 'IMAGE/PNG', 'application/octet-stream'])('%s is a file, named or not', (type) => {
    expect(read(`${part('form-data; name=image', `content-type: ${type}`)}--b--\r\n`)).toBe(FILE);
  });

  test('in base64, as mail has it', () => {
    const body = PLAIN.replace(FILE, btoa(FILE).replace(/.{8}/g, '$&\r\n')).replace(
      '\r\n\r\n',
      '\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    );
    expect(read(`${body}--b--\r\n`)).toBe(FILE);
  });
});

test('several images are told apart', () => {
  const sources = imagesFromBody(TYPE, bytes(`${PLAIN}${PLAIN.replace('PNG', 'JPG')}--b--\r\n`));
  const images = sources.map((source) => source());
  expect(images.map(text)).toEqual([FILE, FILE.replace('PNG', 'JPG')]);
  expect(images.map(({ buffer }) => buffer.byteLength)).toEqual([FILE.length, FILE.length]);
});

const refused = expect.objectContaining({ code: 'invalid_request' });
const NO_FORM = 'The body is not the multipart form that its type claims.';

describe('refused', () => {
  test.each<[string, string, string?]>([
    ['a form without its boundary', `${PLAIN}--b--\r\n`, 'multipart/form-data'],
    ['an empty boundary', `${PLAIN}--b--\r\n`, 'multipart/form-data; boundary='],
    ['another boundary', `${PLAIN}--b--\r\n`, 'multipart/form-data; boundary=c'],
    ['a quote that does not end', `${part('form-data; name="image; filename=a.jpg')}--b--\r\n`],
    ['a word without a value', `${part('form-data; name=image; filename')}--b--\r\n`],
    ['a part without a name', `${part('form-data; filename="a.jpg"')}--b--\r\n`],
    ['a part that is no field', `${part('attachment; name=image; filename=a.jpg')}--b--\r\n`],
    ['a part without a head', `--b\r\n\r\n${FILE}\r\n--b--\r\n`],
    ['a part that is head alone', '--b\r\nContent-Disposition: form-data; name=image\r\n--b--\r\n'],
    ['a line that is no header', `${part('form-data; name=image', 'hello')}--b--\r\n`],
    ['a head without end', `${part(`form-data; name=image; filename="${'a'.repeat(20_000)}"`)}--b--\r\n`],
    ['other line breaks', `${PLAIN}--b--\r\n`.replaceAll('\r\n', '\n')],
    ['no end', PLAIN],
  ])('%s', (_, body, type = TYPE) => {
    expect(() => read(body, type)).toThrow(new ApiError('invalid_request', NO_FORM));
  });

  test('every beginning of a form, with nothing else thrown', () => {
    const whole = `--b\r\nContent-Disposition: form-data; name=a\r\n\r\ntext\r\n${PLAIN}--b--`;
    for (let length = 1; length < whole.length; length++) {
      expect(() => read(whole.slice(0, length))).toThrow(refused);
      expect(() => imagesFromBody(TYPE, bytes(whole.slice(0, length)))).toThrow(refused);
    }
    expect(read(whole)).toBe(FILE); // the control
    for (let length = 1; length < TYPE.length; length++)
      expect(() => imagesFromBody(TYPE.slice(0, length), bytes(whole))).toThrow(refused);
  });
});

test.each([
  ['line breaks', '\r\n'],
  ['half delimiters', '\r\n--'],
  ['returns', '\r'],
  ['quotes', '"\\'],
  ['parts', '--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n'],
])('10 MiB of %s take no second', (_, filling) => {
  const body = bytes(`${filling.repeat((10 * 2 ** 20) / filling.length)}--b--`);
  const began = performance.now();
  expect(() => imageFromBody(TYPE, body)).toThrow(refused);
  expect(performance.now() - began).toBeLessThan(1000);
});
