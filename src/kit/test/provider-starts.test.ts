import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { prepareApp } from './helpers/app.ts';
import { startAppWithRoutes } from './helpers/app-with-routes.ts';
import { type Browser, createBrowser, type Page, type Visit } from './helpers/browser.ts';
import { settingsOf, startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';
import { headingOf } from './helpers/pair.ts';

// Who may start a sign-in at which of several providers: a page of another site may have nobody go on as somebody else
// without noticing (login CSRF, session swapping), and no address starts what is no provider's.

let two: TwoLiars;
beforeAll(async () => {
  two = await startTwoLiars();
});
afterAll(() => two?.stop());
afterEach(() => two.reset());

const from = (site: string, more: Record<string, string> = {}): Visit => ({
  headers: { 'Sec-Fetch-Site': site, ...more },
  follow: false,
});
const nothing = () => [two.work.calls.authorization, two.social.calls.authorization];
const rolesIn = async (browser: Browser) => JSON.parse((await two.open(browser, '/anyone')).body).roles;

/** The link of the page's main part that goes on. */
function goingOn({ body }: Page): string {
  const href = /<a class="button[^"]*" href="(\/auth\/login[^"]*)"/.exec(body)?.[1] ?? '';
  return href.replaceAll('&amp;', '&').replaceAll('&#38;', '&');
}

describe('a start from another site, while somebody is signed in,', () => {
  test.each([
    ['cross-site', 'social'],
    ['same-site', 'social'],
    ['cross-site', 'work'],
  ] as const)('%s, at %s asks first', async (site, name) => {
    const { browser } = await two.signIn('work');
    two.reset();
    const set = browser.setCookies.length;
    const page = await two.open(browser, `/auth/login/${name}?returnTo=/who`, from(site));
    expect([page.status, page.location, headingOf(page)]).toEqual([200, undefined, 'Continue to sign in?']);
    expect(browser.setCookies.slice(set)).toEqual([]);
    expect(nothing()).toEqual([0, 0]);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(await rolesIn(browser)).toEqual(['admin']);
  });

  test('keeps what the link asks for, and goes on by a link of our own', async () => {
    const { browser } = await two.signIn('work');
    const query = new URLSearchParams({
      login_hint: 'bob+1@example.com',
      prompt: 'select_account',
      evil: '1',
    });
    query.append('returnTo', '/who?a=1&b=2');
    const page = await two.open(browser, `/auth/login/social?${query}`, from('cross-site'));
    const next = new URL(goingOn(page), two.app.origin);
    expect([next.pathname, Object.fromEntries(next.searchParams)]).toEqual([
      '/auth/login/social',
      { returnTo: '/who?a=1&b=2', login_hint: 'bob+1@example.com', prompt: 'select_account' },
    ]);
    two.reset();
    const landed = await two.open(browser, goingOn(page), { headers: { 'Sec-Fetch-Site': 'same-origin' } });
    expect(landed.url).toBe(two.app.url('/who?a=1&b=2'));
    expect(two.social.latest.authorization?.get('login_hint')).toBe('bob+1@example.com');
    expect(await rolesIn(browser)).toEqual([]);
  });

  test.each(['switch=yes', 'renew', 'prompt=login&prompt=select_account', 'prompt=select_account'])(
    'asks first at the page that asks which, too (%s)',
    async (query) => {
      const { browser } = await two.signIn('work');
      two.reset();
      const page = await two.open(browser, `/auth/login?${query}&returnTo=/who`, from('cross-site'));
      expect(nothing()).toEqual([0, 0]);
      expect(page.location ?? two.app.url('/who')).toBe(two.app.url('/who'));
      expect(await rolesIn(browser)).toEqual(['admin']);
    },
  );

  test.each([
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    '/%09/evil.example',
  ])('leads to no other site (%s)', async (returnTo) => {
    const { browser } = await two.signIn('work');
    const page = await two.open(
      browser,
      `/auth/login/social?${new URLSearchParams({ returnTo })}`,
      from('cross-site'),
    );
    expect(goingOn(page)).toMatch(/^\/auth\/login\/social\?/);
    expect(page.body).not.toContain('javascript:');
    const landed = await two.open(browser, goingOn(page), {
      headers: { 'Sec-Fetch-Site': 'same-origin' },
      follow: (url) => !url.includes('evil') || url.startsWith(two.app.origin),
    });
    expect(new URL(landed.url).origin).toBe(two.app.origin);
    expect(landed.location ?? two.app.origin).toMatch(two.app.origin);
  });

  test('asks also where a page of ours leads there', async () => {
    const { browser } = await two.signIn('work');
    two.reset();
    for (const path of ['/auth/login?returnTo=', '/signed-out?returnTo=', '/auth/callback?returnTo=']) {
      await two.open(browser, path + encodeURIComponent('/auth/login/social?returnTo=/who'), {
        headers: { 'Sec-Fetch-Site': 'cross-site' },
      });
      expect(nothing(), path).toEqual([0, 0]);
      expect(await rolesIn(browser), path).toEqual(['admin']);
    }
  });

  test('by a form that posts starts nothing', async () => {
    const { browser } = await two.signIn('work');
    two.reset();
    const url = two.app.url('/auth/login/social');
    const page = await browser.post(url, { returnTo: '/who' }, { follow: false }, 'https://evil.example/');
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect([nothing(), await rolesIn(browser)]).toEqual([[0, 0], ['admin']]);
  });
});

test.each(['cross-site', 'same-site'])(
  'while nobody is signed in, a start from elsewhere (%s) goes on by the page that says so',
  async (site) => {
    const browser = createBrowser();
    const page = await two.open(browser, '/auth/login/social?returnTo=/who', from(site));
    expect([page.status, page.headers.has('location')]).toEqual([200, false]);
    expect(page.location).toMatch(`${two.social.origin}/authorize?`);
  },
);

test.each([
  ['an image', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }],
  ['a frame', { 'Sec-Fetch-Dest': 'iframe' }],
  ['a script', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }],
  ['a prefetch', { 'Sec-Purpose': 'prefetch' }],
])('%s starts nothing, and remembers no choice', async (_, headers) => {
  for (const path of ['/auth/login/social', '/auth/login/work?prompt=login']) {
    const browser = createBrowser();
    const page = await two.open(browser, path, from('cross-site', headers));
    expect(page.location).toBeUndefined();
    expect(browser.setCookies).toEqual([]);
  }
});

describe('a provider that is none', () => {
  const names = [
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'WORK', 'default', 'undefined', '%20work'],
    ...['work%2Fsocial', 'work%2F', '..%2Fwork', '%2e%2e', 'work%00', 'work;social', 'work,social', '*'],
    'x'.repeat(5_000),
  ];
  test('has no page to sign in at', async () => {
    const { browser } = await two.signIn('work');
    const set = browser.setCookies.length;
    for (const who of [createBrowser(), browser]) {
      for (const name of names) {
        const page = await two.open(who, `/auth/login/${name}?returnTo=/who`, { follow: false });
        expect([404, 400], name.slice(0, 40)).toContain(page.status);
      }
    }
    expect(browser.setCookies.slice(set)).toEqual([]);
  });

  test.each([...names.slice(0, 8), '"><script>alert(1)</script>', 'work%2Csocial'])(
    'in the cookie counts as none (%s)',
    async (value) => {
      const browser = createBrowser({ headers: { Cookie: `provider=${value}` } });
      const page = await two.open(browser, '/auth/login?returnTo=/who');
      expect(choices(page)).toEqual([
        ['work', '/auth/login/work?returnTo=%2Fwho'],
        ['social', '/auth/login/social?returnTo=%2Fwho'],
      ]);
      expect(page.body).not.toContain('Last used');
      expect(page.body).not.toContain('<script>alert');
    },
  );

  test('a very long cookie counts as none', async () => {
    const browser = createBrowser({ headers: { Cookie: `provider=${'x'.repeat(6_000)}` } });
    expect(choices(await two.open(browser, '/auth/login'))).toHaveLength(2);
  });

  test('two cookies of the name count as none', async () => {
    const browser = createBrowser({ headers: { Cookie: 'provider=social; provider=work' } });
    expect(choices(await two.open(browser, '/auth/login')).map(([name]) => name)).toEqual(['work', 'social']);
  });

  test('in a form of a sign-out leads nowhere', async () => {
    for (const provider of ['__proto__', 'constructor', 'google', '']) {
      const fields = { at: 'provider', provider };
      const page = await createBrowser().post(two.app.url('/auth/logout'), fields, { follow: false });
      expect([page.status, page.location]).toEqual([303, two.app.url('/signed-out')]);
    }
  });
});

test('the page that asks which has links only to what there is, whatever its own address holds', async () => {
  const query = new URLSearchParams({
    returnTo: '//evil.example',
    prompt: 'login',
    restarted: '1',
    switch: 'x',
  });
  const page = await two.open(createBrowser(), `/auth/login?${query}`);
  expect(choices(page)).toEqual([
    ['work', '/auth/login/work?switch=yes&returnTo=%2F'],
    ['social', '/auth/login/social?switch=yes&returnTo=%2F'],
  ]);
});

test('as many providers as there may be, with the longest names, are all offered, and no more can be set', async () => {
  const settings = (count: number) => {
    const names = Array.from({ length: count }, (_, index) => `${index}`.padStart(20, 'n'));
    const each = names.map((name) => {
      const LABEL = `<i>${name}</i>`.padEnd(60, 'x');
      const identity = {
        ISSUER: `http://127.0.0.1:1/${name}`,
        CLIENT_ID: 'app',
        CLIENT_SECRET: `secret of ${name}`,
      };
      return settingsOf(name, { ...identity, LABEL });
    });
    return Object.assign({ OIDC_PROVIDERS: names.join() }, ...each) as Record<string, string>;
  };
  await expect(prepareApp(settings(21))).rejects.toThrow(/OIDC_PROVIDERS has more than 20 names/);
  const app = await startAppWithRoutes(settings(20), {});
  const last = '19'.padStart(20, 'n');
  const browser = createBrowser({ headers: { Cookie: `provider=${last}` } });
  const page = await browser.get(app.url(`/auth/login?returnTo=/${'r'.repeat(1_500)}`));
  await app.stop();
  expect(
    choices(page)
      .map(([name]) => name)
      .slice(0, 2),
  ).toEqual([last, '0'.padStart(20, 'n')]);
  expect(choices(page)).toHaveLength(20);
  expect(page.body).not.toContain('<i>');
  expect(page.body.length).toBeLessThan(60_000);
});

function choices({ body }: Page): [name: string, href: string][] {
  const links = body.matchAll(/href="([^"]*)" data-provider="([^"]*)"/g);
  return [...links].map(([, href = '', name = '']) => [name, href.replaceAll(/&(amp|#38);/g, '&')]);
}
