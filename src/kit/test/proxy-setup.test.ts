import { describe, expect, test } from 'vitest';
import { readApis } from '../site-apis.ts';

// `proxy` in site.ts: an address that cannot work stops the start.

const url = 'https://api.example.com';
const proxy = '/api/notes';
const problems = (notes: object, more: object = {}) =>
  readApis({ notes: { url, ...notes }, ...more }, ['work']).problems.join('\n');

describe('the address of a proxy', () => {
  test.each(['/api/notes', '/api', '/a-b_c.d/1/2', '/authors', '/sessions-of-others', '/0'])(
    'may be %j',
    (at) => {
      expect(problems({ proxy: at })).toBe('');
    },
  );

  test.each([
    ...[
      '',
      '/',
      'api/notes',
      '/api/',
      '//api',
      '/api//notes',
      '/API/notes',
      '/api/Notes',
      '/api notes',
      '/ä',
    ],
    ...[
      '/api/../notes',
      '/.',
      '/..',
      '/.well-known',
      '/api/.x',
      '/api/:id',
      '/api/*rest',
      '/api{/x}',
      '/api?a=b',
    ],
    ...[
      '/api#a',
      '/api%2fnotes',
      '/api\\notes',
      '/api\nnotes',
      '/api/notes\n',
      '\n/api',
      '/api;a',
      '/-api',
      '/_api',
    ],
    ...['https://api.example.com/', `/${'a'.repeat(100)}`, '/a'.repeat(5_000)],
    ...[null, 7, true, {}, ['/api'], new URL(url)],
  ])('cannot be %j', (at) => {
    expect(problems({ proxy: at })).toContain(
      "the API 'notes' in `apis` needs its `proxy` as an address of this app",
    );
  });

  test.each([
    '/auth',
    '/auth/x',
    '/auth/session',
    '/healthz',
    '/readyz/a',
    '/sessions',
    '/sessions/end',
    '/signed-out',
  ])('cannot be %j, which is the kit’s own', (at) => {
    expect(problems({ proxy: at })).toContain("which is an address of the kit's own");
  });

  test('is of one API only, and no other lies below it', () => {
    const both = (mine: string, others: string) =>
      problems({ proxy: mine }, { other: { url, proxy: others } });
    expect(both(proxy, '/api/note')).toBe('');
    expect(both(proxy, '/api/notes-of-others')).toBe('');
    for (const at of [proxy, `${proxy}/x`, '/api']) expect(both(proxy, at)).toContain('share the address');
    expect(problems({}, { other: { proxy } })).toBe('');
  });
});
