import { Router } from 'express';
import { describe, expect, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { definePage } from '../pages/page.ts';
import { checkSite, startTestApp } from '../testing/index.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';

// What somebody writes wrong, and what leads on from there. TypeScript finds most of it, but nothing that runs the app asks
// it.

const run = () => '/';

/** All that stops the start. */
async function problemsOf(parts: SmallSite): Promise<string[]> {
  try {
    await (await startTestApp(smallSite(parts))).stop();
    return [];
  } catch (error) {
    return (error as Error).message.split('\n').slice(1);
  }
}

const own = (page: object): SmallSite => ({
  views: { own: '<h1>Own</h1>' },
  files: { 'public/own.js': '' },
  pages: [anyPage({ path: '/own', view: 'own', ...page })],
});

describe('a site', () => {
  test.each<[string, object, string]>([
    ['a misspelt part', { signin: () => {} }, 'site.ts: there is no `signin`. Did you mean `signIn`?'],
    ['a part that there is not', { middleware: [] }, 'site.ts: there is no `middleware`. There are name,'],
    ['a name of another kind', { name: 7 }, 'site.ts: `name` must be a string'],
    ['a list as `pages`', { pages: [] }, '`pages` must be a function, such as pages: () => [homePage].'],
    ['a promise of pages', { pages: async () => [] }, 'must return a list of pages, not a promise:'],
    [
      'a router as `routes`',
      { routes: Router() },
      '`routes` must be a function, such as routes: (router) =>',
    ],
    ['a text as `open`', { open: 'postgres://' }, '`open` must be a function, such as open: async ('],
  ])('with %s is told what to write', async (_what, more, says) => {
    const found = await problemsOf({ more });
    expect(
      found.filter((line) => line.includes(says)),
      found.join('\n'),
    ).toHaveLength(1);
  });

  test.each<[unknown, string]>([
    [
      undefined,
      'number 2 of the list that `pages` returns is no page, but undefined. For a page that is there',
    ],
    [false, 'is no page, but false. For a page that is there only sometimes, use its `when`.'],
    [[], 'is no page, but a list. Write three dots before it: ...pages.'],
    [() => definePage, 'is no page, but a function. Call it, or make it with definePage.'],
    [{ path: '/x' }, 'is no page. Make it with definePage.'],
    ['\u001B[31m/x\n', 'is no page, but  [31m/x . For a page'],
  ])('with %j in its list of pages is told what to do with it', async (page, says) => {
    const [problem, ...others] = await problemsOf({ pages: [page] });
    expect([problem, others]).toEqual([expect.stringContaining(says), []]);
  });

  test('that is none is told apart from one with mistakes', async () => {
    const { checkSiteAndSettings } = await import('../assembly.ts');
    expect(() => checkSiteAndSettings(undefined as never, {})).toThrow('it must export a `site`');
  });
});

test.each<[string, object, string]>([
  [
    'fails',
    { routes: (router: Router) => void router.get('/x*', run) },
    '`routes` in site.ts failed: Missing parameter name',
  ],
  [
    'has a misspelt rule',
    { publicRoutes: (router: Router) => void router.get('/x', requireAuth({ role: 'a' } as never)) },
    "`publicRoutes` in site.ts failed: a rule has a part that it can't have: there is no `role`. Did you mean `roles`?",
  ],
  [
    'is async',
    { routes: async () => {} },
    '`routes` in site.ts must not be async: load what it needs in `open`',
  ],
])('a function for routes that %s is named', async (_what, more, says) => {
  await expect(startTestApp(smallSite({ more }))).rejects.toThrow(says);
  const { site, root } = smallSite({ more });
  await expect(checkSite(site, { root })).rejects.toThrow(says);
});

describe('a page', () => {
  test.each<[string, object, string]>([
    ['a misspelt part', { modle: run }, 'The page /own: there is no `modle`. Did you mean `model`?'],
    ['a text as model', { model: 'notes' }, 'its `model` must be a function.'],
    ['a value as `when`', { when: false }, 'its `when` must be a function.'],
    ['no view', { view: undefined }, 'it has no `view`: the name of its file in views/.'],
    ['the file of a view', { view: 'views/own.ejs' }, 'Did you mean "own"?'],
    [
      'a script without a slash',
      { script: 'own.js' },
      'must begin with a slash, and without public: "/own.js".',
    ],
    ['the file of a script', { script: '/public/own.js' }, 'and without public: "/own.js".'],
    ['a misspelt script', { script: '/onw.js' }, 'there is no public/onw.js. Did you mean "/own.js"?'],
    ['no path', { path: undefined }, 'The page "A page": its path must be like /notes'],
    ['lines in its path', { path: '/own\n\u001B[31mx' }, 'The page /own  [31mx: its path must be like'],
    ['an action without `run`', { actions: { add: {} } }, 'its action "add" has no `run`, the function that'],
    ['no action where one is named', { actions: { add: undefined } }, 'its action "add" has no `run`'],
    [
      'a misspelt part of an action',
      { actions: { add: { run, froms: 1 } } },
      'no `froms`. Did you mean `form`?',
    ],
    [
      'two actions at one address',
      { actions: { add: { run }, Add: { run } } },
      'its actions "add" and "Add" have one address: capitals do not count. Rename one.',
    ],
    [
      'a misspelt rule',
      { access: { role: 'admin' } },
      "a part that it can't have: there is no `role`. Did you",
    ],
    [
      'an empty rule',
      { access: { roles: [] } },
      '`roles` of a rule must be a name, or a list with at least one',
    ],
    ['a rule of nothing', { access: { roles: undefined } }, '`roles` of a rule must be a name'],
    [
      'a rule of another kind',
      { access: { allRoles: 'a' } },
      '`allRoles` of a rule must be a list with at least',
    ],
    [
      'a time that is none',
      { access: { maxAgeSeconds: '60' } },
      '`maxAgeSeconds` of a rule must be a number',
    ],
    [
      'a misspelt rule of an action',
      { actions: { add: { run, access: { rolse: 'a' } } } },
      'there is no `rolse`. Did you mean `roles`?',
    ],
  ])('with %s is told what to write', async (_what, page, says) => {
    const found = await problemsOf(own(page));
    expect(
      found.filter((line) => line.includes(says)),
      found.join('\n'),
    ).toHaveLength(1);
    for (const line of found) expect(line).not.toMatch(/\p{Cc}/u);
  });
});

test('a route whose rule is misspelt or empty stops the start: it would let in everyone who is signed in', () => {
  expect(() => requireAuth({ role: 'admin' } as never)).toThrow('Did you mean `roles`?');
  expect(() => requireAuth({ roles: [] })).toThrow('`roles` of a rule must be');
  expect(() => requireAuth({ scopes: [] })).toThrow('`scopes` of a rule must be');
  expect(() => requireAuth({ roles: 'admin', ownPage: true })).not.toThrow();
  expect(() => requireAuth({ claims: true as never })).toThrow('`claims` of a rule must be a function');
});

test('checkSite says of two routes at one address that one is there twice', async () => {
  const { site, root } = smallSite({
    more: {
      publicRoutes: (router) => {
        router.get('/feed', (_req, res) => void res.send('a'));
        router.get('/feed', (_req, res) => void res.send('b'));
      },
    },
  });
  await expect(checkSite(site, { root })).rejects.toThrow(
    'site.ts: GET /feed of `publicRoutes` is there twice, and only the first answers. Remove one, or give it another address.',
  );
});
