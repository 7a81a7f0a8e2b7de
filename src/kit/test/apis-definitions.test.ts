import type { Request } from 'express';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineSite } from '../site.ts';
import { readApis } from '../site-apis.ts';
import { startTestApp } from '../testing/index.ts';
import { getAccessToken, tokenState } from '../tokens/access-token.ts';
import { fetchApi } from '../tokens/fetch-api.ts';
import { smallSite } from './helpers/small-site.ts';

// How an API in site.ts asks for an access token of its own: what is wrong stops the start with a sentence.

const url = 'https://api.example.com';
const read = (notes: unknown) => readApis({ notes }, ['work', 'social']);

describe('what is right', () => {
  test.each([
    [{ url }, undefined],
    [{ url, scope: 'notes.read' }, { scope: 'notes.read' }],
    [
      { url, scope: 'api://1-2/Notes.Read api://1-2/.default' },
      { scope: 'api://1-2/Notes.Read api://1-2/.default' },
    ],
    [{ url, resource: 'https://notes.example.com/v1?a=b' }, { resource: 'https://notes.example.com/v1?a=b' }],
    [{ url, resource: 'urn:example:notes' }, { resource: 'urn:example:notes' }],
    [{ url, audience: 'Notes API' }, { audience: 'Notes API' }],
    [{ url, exchange: true }, { exchange: true }],
    [{ url, exchange: false }, undefined],
    [{ url, scope: undefined, resource: undefined, audience: undefined, exchange: undefined }, undefined],
    [
      { url, exchange: true, audience: 'a', scope: 's', resource: url },
      { exchange: true, audience: 'a', scope: 's', resource: url },
    ],
    [{ url, scope: 's'.repeat(1_000) }, { scope: 's'.repeat(1_000) }],
    [Object.assign(Object.create(null), { url, scope: 's' }), { scope: 's' }],
  ])('%j', (given, token) => {
    const { apis, problems } = read(given);
    expect(problems).toEqual([]);
    expect(apis.get('notes')).toEqual({ url: new URL(url), providers: ['work'], ...(token && { token }) });
  });

  test('is as many as twenty APIs', () => {
    const some = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`api${at}`, {}]));
    expect(readApis(some(20), ['work'])).toMatchObject({ problems: [], apis: { size: 20 } });
    expect(readApis(some(21), ['work']).problems).toEqual(['site.ts: `apis` has 21 APIs: at most 20 work.']);
  });
});

describe('what is wrong', () => {
  const scope = 'needs its `scope` as words with spaces between them, such as "notes.read notes.write".';
  const resource = 'needs its `resource` as an absolute address without a fragment';
  const audience = 'needs its `audience` as a string of 1 to 500 characters';
  test.each([
    ...['', ' ', 'a  b', ' a', 'a ', 'a\nb', 'a"b', 'a\\b', 'ä', 'a\0', 's'.repeat(1_001)].map((given) => [
      { scope: given },
      scope,
    ]),
    ...[['a'], 7, true, null, {}].map((given) => [{ scope: given }, scope]),
    ...[
      '',
      'notes',
      '/notes',
      'https://',
      `${url}#a`,
      `${url}/a b`,
      ` ${url}`,
      `${url}/${'a'.repeat(500)}`,
    ].map((given) => [{ resource: given }, resource]),
    ...[[url], 7, null, new URL(url)].map((given) => [{ resource: given }, resource]),
    ...['', 'a\nb', 'ä', 'a'.repeat(501), ['a'], 7, null].map((given) => [{ audience: given }, audience]),
    ...['true', 1, null, {}].map((given) => [
      { exchange: given },
      'needs `exchange` to be true, or to be left out.',
    ]),
    [{ scopes: 'a' }, 'has `scopes`: only url, providers, scope, resource, audience, exchange'],
    [{ Scope: 'a' }, 'has `Scope`: only'],
    [JSON.parse('{"__proto__":1}'), 'has `__proto__`: only'],
    [{ ['x'.repeat(99)]: 1 }, `has \`${'x'.repeat(40)}\`: only`],
    [[], 'needs a `url` in a plain object, such as { url: settings.API_URL }, not a list.'],
    [
      Promise.resolve({ url }),
      'needs a `url` in a plain object, such as { url: settings.API_URL }, not a promise.',
    ],
    [new URL(url), 'not an address.'],
    [new Map(), 'not an object of another kind.'],
    [url, 'not a string.'],
    [null, 'not null.'],
    [undefined, 'not undefined.'],
  ] as [unknown, string][])('%j', (given, says) => {
    const { apis, problems } = read(given);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("site.ts: the API 'notes' in `apis` ");
    expect(problems[0]).toContain(says);
    expect(apis.size).toBe(0);
    expect(problems[0]?.length).toBeLessThan(300);
  });

  test('is said of each API at once, and stops the start', async () => {
    const apis = () => ({ notes: { url, scope: ['a'] }, plans: { url, resource: 'plans' }, good: { url } });
    const starting = startTestApp(smallSite({ more: { apis } as never }));
    await expect(starting).rejects.toThrow(
      /'notes' in `apis` needs its `scope`[\s\S]*'plans' in `apis` needs its `resource`/,
    );
  });
});

test('the names of the APIs are typed, and so is what defines them', () => {
  const calls = (req: Request) => {
    void fetchApi(req, 'data', '/x');
    void getAccessToken(req, 'data');
    void tokenState(req, 'data');
    // @ts-expect-error: the site of these tests has no such API.
    void fetchApi(req, 'nots', '/x');
    // @ts-expect-error: nor for its token,
    void getAccessToken(req, 'nots');
    // @ts-expect-error: nor for its state.
    void tokenState(req, 'nots');
  };
  expectTypeOf(calls).toBeFunction();
  const base = { name: 'Typed', pages: () => [] };
  defineSite({
    ...base,
    apis: () => ({ notes: { url, scope: 'a', resource: url, audience: 'a', exchange: true } }),
  });
  // @ts-expect-error: one text, with spaces.
  defineSite({ ...base, apis: () => ({ notes: { url, scope: ['a'] } }) });
  // @ts-expect-error: true or false.
  defineSite({ ...base, apis: () => ({ notes: { url, exchange: 'yes' } }) });
});
