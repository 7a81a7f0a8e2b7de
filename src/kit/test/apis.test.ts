import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Api, type Apis, apiAddress } from '../provider/index.ts';
import { readApis } from '../site-apis.ts';
import { startTestApp } from '../testing/index.ts';
import { startSmallApi } from './helpers/asked.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';

// `apis` in site.ts: called by name, and no path leads anywhere else.

const api = (address: string) => ({ url: new URL(address), providers: ['default'] });
const apis: Apis = new Map<string, Api>([
  ['root', api('https://api.example.com')],
  ['notes', api('https://api.example.com/v1/notes')],
  ['slash', api('https://api.example.com/v1/notes/')],
  ['away', { url: undefined, providers: ['default'] }],
]);
const at = (name: string, path: unknown) => apiAddress(apis, name, path as string).href;

describe('the address at an API', () => {
  test.each([
    ['root', '', 'https://api.example.com/'],
    ['root', '/', 'https://api.example.com/'],
    ['root', '/a?b=/../c', 'https://api.example.com/a?b=/../c'],
    ['root', '?q=1', 'https://api.example.com/?q=1'],
    ['notes', '', 'https://api.example.com/v1/notes'],
    ['notes', '/', 'https://api.example.com/v1/notes/'],
    ['notes', '/7', 'https://api.example.com/v1/notes/7'],
    ['notes', '?page=2', 'https://api.example.com/v1/notes?page=2'],
    ['notes', '/a.b/..c/.d/e..', 'https://api.example.com/v1/notes/a.b/..c/.d/e..'],
    ['notes', `/${encodeURIComponent('100%')}`, 'https://api.example.com/v1/notes/100%25'],
    ['notes', '/a?up=../..#/../b', 'https://api.example.com/v1/notes/a?up=../..#/../b'],
    ['notes', `/${encodeURIComponent('a/b ?#ä')}`, 'https://api.example.com/v1/notes/a%2Fb%20%3F%23%C3%A4'],
    ['notes', '/...', 'https://api.example.com/v1/notes/...'],
    ['notes', '/a;v=1/..a;b', 'https://api.example.com/v1/notes/a;v=1/..a;b'],
    ['slash', '', 'https://api.example.com/v1/notes/'],
    ['slash', '/7', 'https://api.example.com/v1/notes/7'],
    // A host in a path is a path.
    ['root', '//other.example.com/x', 'https://api.example.com//other.example.com/x'],
    ['notes', '//other.example.com/x', 'https://api.example.com/v1/notes//other.example.com/x'],
    ['root', '/\\other.example.com', 'https://api.example.com//other.example.com'],
    ['root', '/@other.example.com', 'https://api.example.com/@other.example.com'],
    ['root', '/:81', 'https://api.example.com/:81'],
    // As everywhere on the web, these are no part of an address.
    ['notes', '/a\tb\r\nc', 'https://api.example.com/v1/notes/abc'],
    ['notes', '/a\0', 'https://api.example.com/v1/notes/a'],
    ['notes', '/a\0b', 'https://api.example.com/v1/notes/a%00b'],
  ])('%s %j is %s', (name, path, href) => {
    expect(at(name, path)).toBe(href);
  });

  test.each([
    ...[
      '/..',
      '/../',
      '/../other',
      '/a/../../other',
      '/../notes-of-others',
      '/./..',
      '/.\t./other',
      '/\n../x',
    ],
    ...['/%2e%2e/other', '/%2E%2E', '/.%2e/x', '/a/%2e%2e/%2e%2e/x', '\\..\\x', '/..\\x'],
    ...['/..%2fother', '/a%2f..%2f..%2fx', '/..%5cx', '/%2e%2e%2fx', '/a/..%2f', '/%zz', '/a%'],
    // Java servers take what follows a semicolon out of a segment first.
    ...['/..;/other', '/a/..;x=1/..;/x', '/..%3b/x', '/..;', '/.;/x', '/..;%2fx'],
    // They stay below it, but are not what was meant: the id in `/notes/${encodeURIComponent(id)}` was "..".
    ...[
      '/7/..',
      '/7/.',
      '/.',
      '/./7',
      '/a/../b',
      '/a/..?all',
      '/a/..#b',
      '/a/.?all',
      '/a/.. ',
      '/a/..\0',
      '/a/%2e%2e/b',
    ],
    ...[
      '/7/\t..',
      '/7/.\n.',
      '/7/.\r',
      '/7/\t../b',
      '/7\\..\\b',
      '/7\\.',
      '/7/.%09./b',
      '/7/%09..',
      '/7/..%00',
    ],
    ...['/7/%252e%252e', '/7/.%252e/b', '/7/..%252fb', '/7/%252e'],
  ])('%j leads elsewhere: there is nothing', (path) => {
    const is404 = path.startsWith('/');
    expect(() => at('notes', path)).toThrow(is404 ? 'not found' : 'begins with "/"');
  });

  test.each([
    ...['https://other.example.com/', 'notes', '\\\\other.example.com', '#a', ' /a'],
    ...['@other.example.com', '.other.example.com', ':81/', 'javascript:1', '../x'],
    ...[undefined, null, 7, {}, ['/a']],
  ])('%j is no path: the developer reads what is one', (path) => {
    expect(() => at('root', path)).toThrow('needs a path that begins with "/"');
  });

  test('takes ten thousand characters', () => {
    const path = `/${'a'.repeat(10_000)}`;
    expect(at('notes', path)).toBe(`https://api.example.com/v1/notes${path}`);
    expect(() => at('notes', `${path}${'/..'.repeat(5_000)}`)).toThrow('not found');
  });

  test('is none of an API that site.ts does not name, or that has no url', () => {
    expect(() => at('nots', '/')).toThrow(
      "no API named 'nots'. Its `apis` are: 'root', 'notes', 'slash', 'away'.",
    );
    for (const name of ['__proto__', 'constructor', 'toString', '']) {
      expect(() => at(name, '/')).toThrow('site.ts has no API named');
    }
    expect(() => at('away', '/')).toThrow("the API 'away' in site.ts has no url");
  });
});

describe('apis in site.ts', () => {
  const problems = (given: unknown) => readApis(given, ['work', 'social']).problems.join('\n');

  test.each([
    [{}, ''],
    [{ notes: { url: 'https://api.example.com/v1' } }, ''],
    [{ notes: { url: new URL('https://api.example.com') } }, ''],
    [{ notes: { url: 'http://127.0.0.1:9000' } }, ''],
    [{ notes: { url: undefined } }, ''],
    [{ notes: {} }, ''],
    [{ notes: { providers: 'social' } }, ''],
    [{ notes: { providers: ['work', 'social'] } }, ''],
    [{ notes: { providers: [] } }, 'must name providers of the settings'],
    [{ notes: { providers: ['google'] } }, 'in its `providers`: work, social'],
    [{ notes: { providers: 7 } }, 'must name providers of the settings'],
    [{ notes: { url: 'http://api.example.com' } }, 'https, or http on this machine'],
    [{ notes: { url: 'ftp://api.example.com' } }, 'https, or http on this machine'],
    [{ notes: { url: '' } }, 'needs a `url`'],
    [{ notes: { url: '/v1' } }, 'needs a `url`'],
    [{ notes: { url: null } }, 'needs a `url`'],
    [{ notes: { url: 7 } }, 'needs a `url`'],
    [{ notes: null }, 'needs a `url`'],
    [{ notes: 'https://api.example.com' }, 'needs a `url`'],
    [{ notes: { url: 'https://user:secret@api.example.com' } }, 'no user, query or fragment'],
    [{ notes: { url: 'https://api.example.com?a=1' } }, 'no user, query or fragment'],
    [{ notes: { url: 'https://api.example.com#a' } }, 'no user, query or fragment'],
    [{ 'my notes': { url: undefined } }, 'needs a name'],
    [{ [`a${'b'.repeat(40)}`]: { url: undefined } }, 'needs a name'],
    [JSON.parse('{"__proto__":{}}'), 'needs a name'],
    [null, 'must return an object'],
    [[], 'must return an object'],
    ['notes', 'must return an object'],
    [Promise.resolve({ notes: {} }), 'must return an object, not a promise'],
  ])('%j: %j', (given, says) => {
    if (says === '') expect(problems(given)).toBe('');
    else expect(problems(given)).toContain(says);
    expect(problems(given)).not.toContain('secret');
  });

  test.each([
    ['signIn', { signIn: 'yes' }],
    ['signIn', { signIn: {} }],
    ['apis', { apis: { notes: { url: 'https://api.example.com' } } }],
  ])('and signIn that are no functions stop the start: %s', async (name, more) => {
    const starting = startTestApp(smallSite({ more: more as SmallSite['more'] & object }));
    await expect(starting).rejects.toThrow(`\`${name}\` must be a function`);
  });

  test('with a problem stops the start with a sentence', async () => {
    const more = { apis: () => ({ notes: { url: 'http://api.example.com' } }) };
    await expect(startTestApp(smallSite({ more }))).rejects.toThrow(
      "the API 'notes' in `apis` needs a `url`",
    );
  });
});

describe('a page that calls one of them', () => {
  let stop: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await stop?.();
    stop = undefined;
  });

  test("sends the user's token to that API alone, and a path that somebody typed leads nowhere else", async () => {
    const api = await startSmallApi();
    stop = api.stop;
    const page = anyPage({
      ...{ path: '/plan/:id', view: 'plan' },
      model: async ({
        fetchApi,
        params,
      }: {
        fetchApi: (n: string, p: string) => Promise<Response>;
        params: { id: string };
      }) => ({
        answer: await (await fetchApi('plans', `/${params.id}`)).text(),
      }),
    });
    const more = { apis: () => ({ plans: { url: `${api.url}/v1` } }) };
    const app = await startTestApp(
      smallSite({ views: { plan: '<p><%= page.answer %></p>' }, pages: [page], more }),
    );
    onTestFinished(() => app.stop());
    const alice = await app.signIn('alice');
    expect((await alice.get('/plan/7')).text).toBe('{"plan":"gold"}');
    expect(api.calls).toEqual([{ url: '/v1/7', authorization: expect.stringMatching(/^Bearer ./) }]);
    expect((await alice.get('/plan/..%2Fadmin')).status).toBe(404);
    expect(api.calls).toHaveLength(1);
  });
});

test('a path that leads elsewhere says to its developer what to do', () => {
  const message =
    'not found: fetchApi was given a path for the API \'notes\' with a part that is "." or "..", which leads elsewhere and which encodeURIComponent leaves as it is. Check what comes from people before it becomes part of a path';
  for (const id of ['..', '.']) expect(() => at('notes', `/${encodeURIComponent(id)}`)).toThrow(message);
});
