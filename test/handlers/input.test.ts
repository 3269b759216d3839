import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ApiError } from '../../src/handlers/errors.js';
import { isJson, parseJson, validated } from '../../src/handlers/input.js';
import { inferRequest } from '../../src/handlers/routes/inference/schema.js';
import { readInferRequest } from '../../src/handlers/routes/inference/tensors.js';

function refusal(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
  }
  throw new Error('nothing was refused');
}

describe('validated', () => {
  test('tells of the first ten faults, each in brief', () => {
    const many = refusal(() => validated(z.array(z.string()), Array(1000).fill(7), 'The list'));
    expect(many.details?.issues).toHaveLength(10);
    expect(many.message.length).toBeLessThan(1000);
    const keys = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`key${at}`, 1]));
    const long = refusal(() => validated(z.strictObject({}), keys, 'The body'));
    expect(long.message.length).toBeLessThan(500);
    expect(JSON.stringify(long.details).length).toBeLessThan(500);
  });

  test('lets pass what an inference does not look at, of any number', () => {
    const parameters = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`key${at}`, {}]));
    const inputs = [{ name: 'crops', datatype: 'UINT8', shape: [1, 48, 48, 1], parameters }];
    const request = validated(inferRequest, { parameters, inputs }, 'The request');
    expect(request.parameters).toEqual({});
  });
});

describe('JSON', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test.each(['0,', '[],', '{},', '"",'])('of a thousand times %s and more is not parsed', (value) => {
    const parse = vi.spyOn(JSON, 'parse');
    const { code, message } = refusal(() => parseJson(bytes(`[${value.repeat(5000)}0]`)));
    expect([code, message]).toEqual(['invalid_request', 'The body holds more than 1000 values.']);
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  test('of 32 pictures is, however long they are', () => {
    const images = Array(32).fill(`data:image/png;base64,${'A'.repeat(100_000)}`);
    expect(parseJson(bytes(JSON.stringify({ images })))).toEqual({ images });
  });

  test('of an inference holds as many values as its largest tensor, however nested', () => {
    const data = Array(256).fill(Array(48).fill(Array(48).fill([255])));
    const inputs = [{ name: 'crops', datatype: 'UINT8', shape: [256, 48, 48, 1], data }];
    const { crops } = readInferRequest(bytes(JSON.stringify({ inputs })), undefined);
    expect(crops).toHaveLength(256 * 48 * 48);
    const many = bytes(`{"inputs":[${'{},'.repeat(1_000_000)}{}]}`);
    expect(refusal(() => readInferRequest(many, undefined)).message).toMatch(/more than \d+ values/);
  });
});

test.each([
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['application/json-patch', false],
  ['image/png', false],
  [undefined, false],
])('%s: JSON is %s', (type, expected) => {
  expect(isJson(type)).toBe(expected);
});
