import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createBrowser, type Page } from './helpers/browser.ts';
import { headingOf, startPair } from './helpers/pair.ts';
import { choicesOn, startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';

// Where users may sign in at several providers, a page asks at which.

let two: TwoProviders;
beforeAll(async () => {
  two = await startTwoProviders({
    site: {
      texts: {
        en: {},
        de: { 'chooser.title': 'Wo möchten Sie sich anmelden?', 'chooser.continue': 'Weiter mit {provider}' },
      },
    },
  });
});
afterAll(() => two?.stop());

const hrefs = (page: Page) => choicesOn(page).map(({ href }) => href);
const cookieLines = (browser: ReturnType<typeof createBrowser>, name: string) =>
  browser.setCookies.filter(({ line }) => line.startsWith(`${name}=`)).map(({ line }) => line);

describe('somebody who is not signed in and opens a page', () => {
  test('is led to a page with a link for each provider, in the order of the settings', async () => {
    const browser = createBrowser();
    const first = await browser.get(two.url('/profile?tab=2&x=a%20b'), { follow: false });
    expect([first.status, first.location]).toEqual([
      302,
      two.url('/auth/login?returnTo=%2Fprofile%3Ftab%3D2%26x%3Da%2520b'),
    ]);
    const page = await browser.get(first.location ?? '');
    expect([page.status, headingOf(page)]).toEqual([200, 'Choose how to sign in']);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(choicesOn(page)).toEqual([
      {
        name: 'work',
        href: '/auth/login/work?returnTo=%2Fprofile%3Ftab%3D2%26x%3Da%2520b',
        text: 'Continue with Contoso',
      },
      {
        name: 'google',
        href: '/auth/login/google?returnTo=%2Fprofile%3Ftab%3D2%26x%3Da%2520b',
        // As it was set, escaped.
        text: 'Continue with Google &lt;Personal&gt;',
      },
    ]);
    // Nobody has chosen yet.
    expect(page.body).not.toContain('Last used');
    expect(browser.cookies).toEqual([]);
  });

  test('comes back to that page from whichever provider they choose', async () => {
    for (const name of ['work', 'google'] as const) {
      const browser = createBrowser();
      const page = await browser.get(two.url('/profile?tab=2'));
      const href = hrefs(page).find((one) => one.startsWith(`/auth/login/${name}`)) ?? '';
      const sentOff = await browser.get(two.url(href), { follow: false });
      expect([sentOff.status, new URL(sentOff.location ?? '').origin]).toEqual([302, two[name].issuer]);
      const back = await two.goOn(browser, sentOff, name, 'alice');
      expect([back.status, back.url]).toEqual([200, two.url('/profile?tab=2')]);
      const user = await browser.get(two.url('/auth/session'));
      expect(JSON.parse(user.body).user).toMatchObject({ sub: 'alice' });
    }
  });

  test('sees the page in the layout and the language of the site, with links only', async () => {
    const page = await createBrowser({ headers: { 'Accept-Language': 'de' } }).get(two.url('/profile'));
    expect(headingOf(page)).toBe('Wo möchten Sie sich anmelden?');
    expect(page.body).toContain('<html lang="de">');
    expect(page.body).toContain('Weiter mit Contoso');
    expect(page.body).toContain('<a class="brand" href="/">Test site</a>');
    const main = /<main[\s\S]*<\/main>/.exec(page.body)?.[0] ?? '';
    expect(main).not.toMatch(/<form|<script|<button|<img/);
  });

  test.each([
    ['HEAD', { method: 'HEAD', headers: {} }, 401],
    ['a script', { method: 'GET', headers: { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' } }, 401],
    ['a frame', { method: 'GET', headers: { 'Sec-Fetch-Dest': 'iframe' } }, 401],
    ['an image', { method: 'GET', headers: { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' } }, 401],
    ['a prefetch', { method: 'GET', headers: { 'Sec-Purpose': 'prefetch' } }, 401],
    ['a form', { method: 'POST', headers: {} }, 401],
  ])(
    'is nobody where it is %s that asks: it is led nowhere (R18)',
    async (_who, { method, headers }, status) => {
      for (const path of method === 'POST'
        ? ['/bookings/add']
        : ['/profile', '/auth/login', '/auth/login/work']) {
        const browser = createBrowser();
        const answer = await browser.request(method, two.url(path), { headers, follow: false });
        expect([path, answer.status, answer.location]).toEqual([path, status, undefined]);
        expect(browser.cookies).toEqual([]);
      }
    },
  );

  test('is asked for nothing by a returnTo that leads elsewhere (R7)', async () => {
    for (const hostile of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/a\nb',
      ['/a', '/b'],
    ]) {
      const query = new URLSearchParams([hostile].flat().map((one) => ['returnTo', one]));
      const page = await createBrowser().get(two.url(`/auth/login?${query}`));
      expect(hrefs(page)).toEqual(['/auth/login/work?returnTo=%2F', '/auth/login/google?returnTo=%2F']);
    }
  });

  test('from another site sees the same page: it tells that site nothing (R16)', async () => {
    const headers = { 'Sec-Fetch-Site': 'cross-site' };
    const page = await createBrowser().get(two.url('/auth/login?returnTo=/profile'), { headers });
    expect([page.status, headingOf(page)]).toEqual([200, 'Choose how to sign in']);
  });
});

describe('what a link asks of the provider', () => {
  test('is passed on by the choice, where the site lets links ask for it', async () => {
    const query = 'returnTo=/profile&login_hint=alice%40example.com&scope=openid&renew=1';
    const page = await createBrowser().get(two.url(`/auth/login?${query}`));
    const [first = ''] = hrefs(page);
    const asked = new URLSearchParams(first.split('?')[1]);
    expect(Object.fromEntries(asked)).toEqual({
      returnTo: '/profile',
      login_hint: 'alice@example.com',
      renew: 'yes',
    });
    const sentOff = await createBrowser().get(two.url(first), { follow: false });
    expect(sentOff.location).toContain(two.work.issuer);
  });

  test('and hostile text in it stays text', async () => {
    const hint = '"><script>alert(1)</script>';
    const page = await createBrowser().get(two.url(`/auth/login?login_hint=${encodeURIComponent(hint)}`));
    expect(page.body).not.toContain('<script>alert');
    expect(new URLSearchParams(hrefs(page)[0]?.split('?')[1]).get('login_hint')).toBe(hint);
  });
});

describe('the provider that was used last in this browser', () => {
  test('comes first, is kept by name until the browser is closed, and is written once', async () => {
    const { browser } = await two.signIn('google', 'alice');
    expect(cookieLines(browser, 'provider')).toEqual(['provider=google; Path=/; HttpOnly; SameSite=Lax']);
    await two.signIn('google', 'alice', { browser });
    expect(cookieLines(browser, 'provider')).toHaveLength(1);

    browser.clearCookies();
    browser.setCookie(two.app.origin, 'provider=google; Path=/');
    const page = await browser.get(two.url('/profile'));
    expect(choicesOn(page).map(({ name }) => name)).toEqual(['google', 'work']);
    expect(page.body.match(/Last used/g)).toHaveLength(1);
    expect(page.body.indexOf('Last used')).toBeLessThan(page.body.indexOf('data-provider="work"'));

    await browser.get(two.url('/auth/login/work'), { follow: false });
    expect(cookieLines(browser, 'provider').at(-1)).toBe('provider=work; Path=/; HttpOnly; SameSite=Lax');
  });

  test.each([
    ...['nobody', 'default', 'Work', '', '__proto__', '<script>', 'work'.repeat(700)].map((value) => ({
      value,
    })),
  ])('is none where the cookie holds another text, "$value"', async ({ value }) => {
    const browser = createBrowser();
    browser.setCookie(two.app.origin, `provider=${value}; Path=/`);
    const page = await browser.get(two.url('/profile'));
    expect(choicesOn(page).map(({ name }) => name)).toEqual(['work', 'google']);
    expect(page.body).not.toContain('Last used');
  });

  test('costs no page a Set-Cookie', async () => {
    const { browser } = await two.signIn('work', 'alice');
    await browser.get(two.url('/profile'));
    const page = await browser.get(two.url('/profile'));
    expect(page.headers.getSetCookie()).toEqual([]);
  });
});

describe('somebody who is signed in', () => {
  test('goes where the link leads, without being asked', async () => {
    const { browser } = await two.signIn('work', 'alice');
    const page = await browser.get(two.url('/auth/login?returnTo=/bookings'), { follow: false });
    expect([page.status, page.location]).toEqual([302, two.url('/bookings')]);
  });

  test.each(['renew=1', 'switch=yes', 'prompt=select_account'])(
    'is asked where another sign-in is wanted: %s',
    async (query) => {
      const { browser } = await two.signIn('work', 'alice');
      const page = await browser.get(two.url(`/auth/login?returnTo=/bookings&${query}`));
      expect([page.status, headingOf(page)]).toEqual([200, 'Choose how to sign in']);
      expect(choicesOn(page).map(({ name }) => name)).toEqual(['work', 'google']);
    },
  );
});

describe('a new account', () => {
  let makers: TwoProviders;
  beforeAll(async () => {
    const discovery = { prompt_values_supported: ['none', 'login', 'consent', 'select_account'] };
    makers = await startTwoProviders({ providers: { work: { overrides: { discovery } } } });
    // Its metadata says whether it makes accounts.
    await makers.signIn('work', 'alice');
    await makers.signIn('google', 'alice');
  });
  afterAll(() => makers?.stop());

  test('is offered at the providers that make some', async () => {
    const page = await createBrowser().get(makers.url('/auth/login?returnTo=/profile&prompt=create'));
    expect(hrefs(page)).toEqual(['/auth/login/google?prompt=create&returnTo=%2Fprofile']);
  });

  test('is offered by all where the link asks for something else', async () => {
    const page = await createBrowser().get(makers.url('/auth/login?returnTo=/profile&prompt=select_account'));
    expect(hrefs(page)).toHaveLength(2);
  });
});

describe('with one provider nobody is asked', () => {
  test('without a name: straight on, with no cookie, and no name is known', async () => {
    const pair = await startPair();
    onTestFinished(() => pair.stop());
    const browser = createBrowser();
    for (const path of ['/profile', '/auth/login?returnTo=/profile&renew=1']) {
      const sentOff = await browser.get(pair.app.url(path), { follow: false });
      expect([sentOff.status, new URL(sentOff.location ?? '').origin]).toEqual([302, pair.provider.issuer]);
      await pair.goOn(browser, sentOff, 'alice');
    }
    expect(cookieLines(browser, 'provider')).toEqual([]);
    for (const path of ['/auth/login/default', '/auth/login/work', '/auth/callback/default'])
      expect((await createBrowser().get(pair.app.url(path))).status).toBe(404);
  });

  test('with a name: straight on, by its own addresses, with no cookie', async () => {
    const none = ['ISSUER', 'CLIENT_ID', 'CLIENT_SECRET', 'LABEL'].map((name) => [
      `OIDC_GOOGLE_${name}`,
      undefined,
    ]);
    const one = await startTwoProviders({ env: { OIDC_PROVIDERS: 'work', ...Object.fromEntries(none) } });
    onTestFinished(() => one.stop());
    const browser = createBrowser();
    const sentOff = await browser.get(one.url('/profile'), { follow: false });
    const asked = new URL(sentOff.location ?? '');
    expect([sentOff.status, asked.origin]).toEqual([302, one.work.issuer]);
    const page = await one.goOn(browser, sentOff, 'work', 'alice');
    expect([page.status, page.url]).toEqual([200, one.url('/profile')]);
    expect(browser.visited.some((line) => line.includes('/auth/callback/work?'))).toBe(true);
    await one.signIn('work', 'alice', { browser });
    expect(cookieLines(browser, 'provider')).toEqual([]);
  });
});
