import { describe, expect, test } from 'vitest';
import { caller, EXPRESSIONS, post, type Request } from './requests.js';

/** Health, unknown paths and methods, request ids. */
export function surroundings(name: string, request: Request): void {
  const { fails } = caller(request);

  describe(`${name}: around it`, () => {
    test('GET /healthz and /readyz', async () => {
      for (const [path, status] of [
        ['/healthz', 'ok'],
        ['/readyz', 'ready'],
      ] as const) {
        const response = await request(path);
        expect(response.status).toBe(200);
        expect(await response.json()).toEqual({ status });
      }
    });

    test('404 for a path that is not there', async () => {
      await fails('/v1/nothing', undefined, 404, 'not_found');
      await fails('/v1/nothing', post('x'), 404, 'not_found');
    });

    test('405 with Allow for a method that a path does not have', async () => {
      const { response } = await fails(EXPRESSIONS, undefined, 405, 'method_not_allowed');
      expect(response.headers.get('allow')).toBe('POST');
      const health = await fails('/healthz', { method: 'DELETE' }, 405, 'method_not_allowed');
      expect(health.response.headers.get('allow')).toBe('GET, HEAD');
    });

    test('takes over a request id, or makes one', async () => {
      const given = { headers: { 'x-request-id': 'caller-7' } };
      expect((await fails('/v1/nothing', given, 404, 'not_found')).error.requestId).toBe('caller-7');
      expect((await request('/healthz', given)).headers.get('x-request-id')).toBe('caller-7');
      const odd = { headers: { 'x-request-id': '<script>' } };
      expect((await fails('/v1/nothing', odd, 404, 'not_found')).error.requestId).toMatch(/^[0-9a-f-]{36}$/);
    });
  });
}
