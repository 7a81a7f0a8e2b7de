import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Router } from 'express';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { assemble } from '../assembly.ts';
import { ConfigError } from '../config/index.ts';
import { requireAuth } from '../guard/require-auth.ts';
import type { Rule } from '../guard/rules.ts';
import { definePage } from '../pages/page.ts';
import type { AnySite } from '../site.ts';
import { freePort } from '../testing/processes.ts';
import { prepareApp, siteFolder } from './helpers/app.ts';
import { headingOf } from './helpers/pair.ts';
import { asScript, menuOf } from './helpers/rechecks.ts';
import { choicesOn, startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';
import { site } from './site/site.ts';

// A rule may say at which provider its people signed in.

const page = (path: string, nav: string, access: Parameters<typeof definePage>[0]['access']) =>
  definePage({ path, nav, access, title: nav, view: 'admin', model: () => ({ roles: [] }) } as never);

const pages = [
  page('/staff', 'Staff', { providers: 'work' }),
  page('/guests', 'Guests', { providers: ['google'] }),
  page('/all', 'All', { providers: ['work', 'google'] }),
  page('/staff-profile', 'Profiles of staff', { providers: 'work', scopes: ['profile'] }),
  page('/bosses', 'Bosses', { roles: 'admin' }),
];

let two: TwoProviders;
beforeAll(async () => {
  two = await startTwoProviders({
    env: { NODE_ENV: 'development' },
    site: { pages: (at) => [...site.pages(at as never), ...pages] as never },
    mount(app) {
      app.get(
        '/api/staff',
        requireAuth({ providers: 'work' }),
        (_req, res) => void res.json({ staff: true }),
      );
      app.get('/typo', requireAuth({ providers: 'wrok' }), (_req, res) => void res.send('open'));
      app.get('/unsaid', requireAuth({ scopes: ['profile'] }), (_req, res) => void res.send('open'));
    },
  });
});
afterAll(() => two?.stop());

describe('a page of one provider', () => {
  test('opens for its users', async () => {
    for (const [name, path] of [
      ['work', '/staff'],
      ['work', '/all'],
      ['work', '/staff-profile'],
      ['google', '/guests'],
      ['google', '/all'],
    ] as const) {
      const { page: opened } = await two.signIn(name, 'alice', { path });
      expect([opened.status, opened.url]).toEqual([200, two.url(path)]);
    }
  });

  test('says to others which account is needed, and leads to the page that asks where to sign in', async () => {
    const { browser, page: refused } = await two.signIn('google', 'alice', { path: '/staff' });
    expect([refused.status, headingOf(refused)]).toEqual([403, "You don't have access to this page"]);
    expect(refused.body).toContain('You need to sign in with an account from Contoso.');
    // While developing: what the account has.
    expect(refused.body).toMatch(/Provider of your account \(development only\)<\/dt><dd>google</);
    const chooser = await browser.get(two.url('/auth/login?switch=yes&returnTo=%2Fstaff'));
    expect(refused.body).toContain('href="/auth/login?switch=yes&amp;returnTo=%2Fstaff"');
    const work = choicesOn(chooser).find(({ name }) => name === 'work')?.href ?? '';
    const sentOff = await browser.get(two.url(work), { follow: false });
    const opened = await two.goOn(browser, sentOff, 'work', 'alice');
    expect([opened.status, opened.url]).toEqual([200, two.url('/staff')]);
    expect(two.app.events('access.denied').at(-1)).toMatchObject({
      ...{ iss: two.google.issuer, sub: 'alice', reason: 'the provider work' },
    });
  });

  test('names the label as it was set, escaped', async () => {
    const { page: refused } = await two.signIn('work', 'bob', { path: '/guests' });
    expect(refused.status).toBe(403);
    expect(refused.body).toContain('You need to sign in with an account from Google &lt;Personal&gt;.');
  });

  test('is in the menu of its users only', async () => {
    const atWork = menuOf((await two.signIn('work', 'alice')).page);
    expect(atWork).toEqual(expect.arrayContaining(['Staff', 'All', 'Profiles of staff', 'Bosses']));
    expect(atWork).not.toContain('Guests');
    const atGoogle = menuOf((await two.signIn('google', 'alice')).page);
    expect(atGoogle).toEqual(expect.arrayContaining(['Guests', 'All']));
    for (const name of ['Staff', 'Profiles of staff', 'Bosses']) expect(atGoogle).not.toContain(name);
  });

  test('is a 403 to a script, and starts no sign-in (R18)', async () => {
    const { browser } = await two.signIn('google', 'alice');
    const answer = await browser.get(two.url('/api/staff'), asScript);
    expect([answer.status, answer.location]).toEqual([403, undefined]);
    const { browser: staff } = await two.signIn('work', 'alice');
    expect((await staff.get(two.url('/api/staff'), asScript)).body).toBe('{"staff":true}');
  });
});

test('roles that a provider without a roles claim sends are no roles', async () => {
  // Google's Alice has the claim roles, with admin in it.
  const { page: refused } = await two.signIn('google', 'alice', { path: '/bosses' });
  expect([refused.status, refused.body]).toEqual([403, expect.stringContaining('needs the “admin” role')]);
  const { page: opened } = await two.signIn('work', 'alice', { path: '/bosses' });
  expect(opened.status).toBe(200);
});

test('a route whose rule nobody could judge stays closed for everybody', async () => {
  for (const name of ['work', 'google'] as const) {
    const { browser } = await two.signIn(name, 'alice');
    for (const path of ['/typo', '/unsaid']) expect((await browser.get(two.url(path))).status).toBe(500);
  }
});

describe('the start', () => {
  const named = (...names: string[]) => ({
    OIDC_PROVIDERS: names.join(),
    ...Object.assign(
      {},
      ...names.map((name) => ({
        [`OIDC_${name.toUpperCase()}_ISSUER`]: `http://127.0.0.1:9/${name}`,
        [`OIDC_${name.toUpperCase()}_CLIENT_ID`]: 'app',
        [`OIDC_${name.toUpperCase()}_CLIENT_SECRET`]: `c1ient-s3cret-at-${name}`,
      })),
    ),
  });
  const several = named('work', 'google');
  const alone = {
    ...{ OIDC_ISSUER: 'http://127.0.0.1:9', OIDC_CLIENT_ID: 'app', OIDC_CLIENT_SECRET: 'c1ient-s3cret' },
  };
  const pageWith = (rule: Rule) => ({ pages: () => [page('/x', 'X', rule)] }) as Partial<AnySite>;
  const routeWith = (part: 'routes' | 'publicRoutes', path: string, rule: Rule): Partial<AnySite> => ({
    [part]: (router: Router) => void router.get(path, requireAuth(rule), (_req, res) => void res.end()),
  });

  /** What keeps the app from starting. */
  async function problemsOf(
    parts: Partial<AnySite>,
    env: Record<string, string>,
  ): Promise<readonly string[]> {
    try {
      const { checked, log } = await prepareApp(env, undefined, parts);
      const { close } = await assemble(checked, log);
      await close();
      return [];
    } catch (error) {
      if (error instanceof ConfigError && !error.inSettings) return error.problems;
      throw error;
    }
  }

  test.each<[string, Partial<AnySite>, RegExp]>([
    [
      'a page that asks for scopes',
      pageWith({ scopes: ['profile'] }),
      /^The page \/x: its rule asks for `scopes`, and does not say of which provider: add `providers` to it/,
    ],
    [
      'a page that asks for claims and acr',
      pageWith({ claims: () => true, acr: 'mfa' }),
      /^The page \/x: its rule asks for `claims` and `acr`/,
    ],
    [
      'a page of a provider that there is not',
      pageWith({ providers: ['work', 'wrok'] }),
      /^The page \/x: its rule names the provider "wrok", and the settings have work, google/,
    ],
    [
      'a page of no provider',
      pageWith({ providers: [] }),
      /^The page \/x: its rule has `providers` that is no name and no list of names/,
    ],
    [
      'a page of a provider that is no text',
      pageWith({ providers: { work: true } as never }),
      /^The page \/x: its rule has `providers` that is no name and no list of names/,
    ],
    [
      'a route that asks for acr',
      routeWith('routes', '/y', { acr: 'mfa' }),
      /^The route \/y: its rule asks for `acr`, and does not say of which provider/,
    ],
    [
      'a public route that asks for claims',
      routeWith('publicRoutes', '/z', { claims: () => true }),
      /^The route \/z: its rule asks for `claims`/,
    ],
  ])('stops for %s', async (_what, parts, sentence) => {
    expect(await problemsOf(parts, several)).toEqual([expect.stringMatching(sentence)]);
  });

  test.each<[string, Partial<AnySite>, Record<string, string>]>([
    ['one provider without a name', pageWith({ scopes: ['profile'] }), alone],
    ['one provider with a name', pageWith({ scopes: ['profile'] }), named('work')],
    ['a rule that says of which', pageWith({ providers: 'work', acr: 'mfa' }), several],
    ['roles, which their own claim closes', pageWith({ roles: 'admin', member: () => true }), several],
    ['a route that says of which', routeWith('routes', '/y', { providers: 'work', acr: 'mfa' }), several],
  ])('goes on with %s', async (_what, parts, env) => {
    expect(await problemsOf(parts, env)).toEqual([]);
  });

  test('is reported in a sentence, and ends with exit code 78, for a page as for a route', async () => {
    const kit = new URL('../', import.meta.url);
    const folder = mkdtempSync(join(tmpdir(), 'rules-of-providers-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const from = (path: string) => JSON.stringify(new URL(path, kit).href);
    const start = async (name: string, parts: string) => {
      const file = join(folder, `${name}.ts`);
      writeFileSync(
        file,
        `import { run } from ${from('start.ts')};
import { requireAuth } from ${from('guard/require-auth.ts')};
import { definePage } from ${from('pages/page.ts')};
import { site } from ${from('test/site/site.ts')};
const page = (access) => definePage({ path: '/x', title: 'X', view: 'admin', access, model: () => ({}) });
const guarded = (router) => void router.get('/y', requireAuth({ acr: 'mfa' }), (req, res) => res.end());
void [page, guarded];
await run({ ...site, ${parts} }, { root: ${JSON.stringify(siteFolder)} });
`,
      );
      const port = String(await freePort());
      const address = { PORT: port, HOST: '127.0.0.1', BASE_URL: `http://127.0.0.1:${port}` };
      const secret = { SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE' };
      const env = { PATH: process.env.PATH, ...address, ...secret, ...several };
      const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'ignore', 'pipe'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      let complained = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complained += text;
      });
      const [code] = await once(child, 'close');
      return [code, complained];
    };
    const sentence = (what: string) =>
      expect.stringMatching(
        new RegExp(`^The app cannot start:\n- ${what}[^\n]+providers: \\['work'\\]\\.\n$`),
      );
    expect(
      await Promise.all([
        start('page', `pages: () => [page({ scopes: ['profile'] })]`),
        start('route', 'routes: guarded'),
      ]),
    ).toEqual([
      [78, sentence('The page /x: its rule asks for `scopes`')],
      [78, sentence('The route /y: its rule asks for `acr`')],
    ]);
  }, 60_000);
});
