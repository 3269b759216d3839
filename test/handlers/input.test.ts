import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ApiError } from '../../src/handlers/errors.js';
import { isJson, validated } from '../../src/handlers/input.js';
import { inferRequest } from '../../src/handlers/routes/inference/schema.js';

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

test.each([
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['application/json-patch', false],
  ['image/png', false],
  [undefined, false],
])('%s: JSON is %s', (type, expected) => {
  expect(isJson(type)).toBe(expected);
});
