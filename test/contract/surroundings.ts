import { createHash } from 'node:crypto';
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

    test('GET / is the page, which may load what it needs and nothing else', async () => {
      const response = await request('/');
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/html/);
      const html = await response.text();
      const [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
      for (const [tag, directive] of [
        ['script type="module"', 'script-src'],
        ['style', 'style-src'],
      ] as const) {
        const [, text] = new RegExp(`<${tag}>(.+?)</`, 's').exec(html) ?? [];
        const hash = createHash('sha256')
          .update(text as string)
          .digest('base64');
        const allowed = policy?.split('; ').find((part) => part.startsWith(directive));
        expect(allowed).toContain(`'sha256-${hash}'`);
      }
      expect(policy).toContain("default-src 'none'");
    });

    test('GET /openapi.json and /docs describe the API', async () => {
      const { openapi, paths } = await (await request('/openapi.json')).json();
      expect(openapi).toBe('3.1.0');
      expect(Object.keys(paths)).toContain(EXPRESSIONS);
      const docs = await request('/docs');
      expect(docs.status).toBe(200);
      expect(await docs.text()).toContain(`POST ${EXPRESSIONS}`);
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
