import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, createBrowser, type Page, readForm } from './helpers/browser.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';

// A sign-in that somebody else begins (OpenID Connect Core §4): a portal, a mail, the provider's list of apps.

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ env: { OIDC_PAR: 'off' } });
});
afterAll(() => pair?.stop());

const portal = 'https://portal.example/apps';
const iss = () => pair.provider.issuer;
const address = (params: Record<string, string>) =>
  pair.app.url(`/auth/initiate-login?${new URLSearchParams(params)}`);
const started = () => pair.app.events('sign_in.started').length;

/** The form in the page's main part; the first one of a signed-in user's page is its sign-out button. */
function question(page: Page): Page {
  const form = page.body.match(/<form method="post" action="\/auth\/initiate-login">[\s\S]*?<\/form>/)?.[0];
  return { ...page, body: form ?? '' };
}

async function confirm(browser: Browser, page: Page): Promise<Page> {
  return browser.submit(question(page), {}, { follow: false });
}

describe('a start by somebody else', () => {
  test('asks before it leaves, and lands on the page that was asked for', async () => {
    const browser = createBrowser();
    const before = started();
    const page = await browser.get(
      address({ iss: iss(), target_link_uri: pair.app.url('/profile?from=portal') }),
    );
    expect([page.status, headingOf(page)]).toEqual([200, 'Continue to sign in?']);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(started(), 'nothing has begun').toBe(before);
    expect(browser.setCookies).toEqual([]);
    const sent = await confirm(browser, page);
    expect(sent.status).toBe(200);
    const landed = await pair.goOn(browser, sent, 'alice');
    expect([landed.status, landed.url]).toEqual([200, pair.app.url('/profile?from=portal')]);
  });

  test('by a form of another site asks in the same way', async () => {
    const browser = createBrowser();
    const fields = { iss: iss(), target_link_uri: '/sessions', login_hint: 'bob' };
    const page = await browser.post(pair.app.url('/auth/initiate-login'), fields, {}, portal);
    expect([page.status, headingOf(page)]).toEqual([200, 'Continue to sign in?']);
    expect(readForm(question(page)).inputs).toEqual(fields);
    const landed = await pair.goOn(browser, await confirm(browser, page), 'bob');
    expect(landed.url).toBe(pair.app.url('/sessions'));
  });

  test('only the button of our own page goes on: the same form from elsewhere asks again', async () => {
    for (const from of [portal, 'http://localhost:1', 'https://127.0.0.1.evil.example']) {
      const page = await createBrowser().post(
        pair.app.url('/auth/initiate-login'),
        { iss: iss() },
        { follow: false },
        from,
      );
      expect([page.status, page.location], from).toEqual([200, undefined]);
    }
  });

  test('starts nothing for a script: nobody would see where it leads', async () => {
    const browser = createBrowser();
    const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
    const fields = { iss: pair.provider.issuer, target_link_uri: '/profile' };
    const visit = { headers, follow: false };
    const answer = await browser.post(pair.app.url('/auth/initiate-login'), fields, visit);
    expect([answer.location, answer.headers.getSetCookie()]).toEqual([undefined, []]);
  });

  test('hands the hint on to the provider', async () => {
    const browser = createBrowser();
    const page = await browser.get(address({ iss: iss(), login_hint: 'alice@example.com' }));
    const sent = await confirm(browser, page);
    const asked = new URL(sent.location ?? '').searchParams;
    expect(asked.get('login_hint')).toBe('alice@example.com');
    expect(asked.get('prompt')).toBeNull();
  });

  test('without a target lands on the home page', async () => {
    const browser = createBrowser();
    const sent = await confirm(browser, await browser.get(address({ iss: iss() })));
    expect((await pair.goOn(browser, sent, 'alice')).url).toBe(pair.app.url('/'));
  });

  test('leaves the session that is there alone until the new one is', async () => {
    const { browser } = await pair.signIn('bob');
    const old = browser.cookie('session');
    const page = await browser.get(address({ iss: iss(), target_link_uri: '/profile' }));
    expect(browser.cookie('session')).toBe(old);
    const sent = await confirm(browser, page);
    expect((await browser.get(pair.app.url('/profile'))).body).toContain('Bob Baker');
    const landed = await pair.goOn(browser, sent, 'bob');
    expect(landed.url).toBe(pair.app.url('/profile'));
    expect(browser.cookie('session')).not.toBe(old);
    const replay = createBrowser();
    replay.setCookie(pair.app.origin, `session=${old}; Path=/`);
    expect((await replay.get(pair.app.url('/profile'), { follow: false })).status).toBe(302);
  });
});

describe('a forged start', () => {
  const issuers: [name: string, params: () => Record<string, string>][] = [
    ['no issuer', () => ({})],
    ['an empty issuer', () => ({ iss: '' })],
    ['another issuer', () => ({ iss: 'https://evil.example' })],
    ['our issuer with a slash', () => ({ iss: `${iss()}/` })],
    ['our issuer in capitals', () => ({ iss: iss().toUpperCase() })],
    ['an issuer that begins like ours', () => ({ iss: `${iss()}.evil.example` })],
    ['a script', () => ({ iss: '<script>alert(1)</script>' })],
  ];
  test.each(issuers)('with %s is refused, and nobody is called', async (_, params) => {
    const calls = pair.provider.requests.length;
    for (const page of [
      await createBrowser().get(address(params())),
      await createBrowser().post(pair.app.url('/auth/initiate-login'), params(), {}, portal),
    ]) {
      expect([page.status, headingOf(page)]).toEqual([400, "We don't know that sign-in service"]);
      expect(page.body).not.toMatch(/evil\.example|<script>alert/);
    }
    expect(pair.provider.requests.length).toBe(calls);
  });

  const targets = [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    '/auth/logout',
    `/${'x'.repeat(3_000)}`,
  ];
  test.each(targets)('for the target %.30s goes to the home page', async (target_link_uri) => {
    const page = await createBrowser().get(address({ iss: iss(), target_link_uri }));
    expect(readForm(question(page)).inputs.target_link_uri).toBe('/');
    expect(page.body).not.toContain('evil.example');
  });

  test('with a hint that is a script prints it as text, and cuts a long one', async () => {
    const page = await createBrowser().get(
      address({ iss: iss(), login_hint: '"><script>alert(1)</script>' }),
    );
    expect(page.body).not.toContain('<script>alert');
    const long = await createBrowser().get(address({ iss: iss(), login_hint: 'x'.repeat(5_000) }));
    expect(readForm(question(long)).inputs.login_hint).toHaveLength(256);
  });

  test.each(['\u{1}', '\u{ffff}', '\u{1f600}', '"', '\\', '\ud800', '\u65e5'])(
    'with a long hint of %j still signs in: the cookie stays one that browsers keep',
    async (letter) => {
      const browser = createBrowser();
      const target_link_uri = `/profile?x=${'x'.repeat(2_030)}`;
      const login_hint = letter.repeat(1_000);
      const page = await browser.get(address({ iss: iss(), target_link_uri, login_hint }));
      const sent = await confirm(browser, page);
      const [cookie = ''] = sent.headers.getSetCookie();
      expect(cookie.split(';')[0]?.length).toBeLessThan(4_096 - '__Host-'.length);
      expect((await pair.goOn(browser, sent, 'alice')).url).toBe(pair.app.url(target_link_uri));
    },
  );

  test('with a parameter twice is refused', async () => {
    for (const twice of ['iss', 'target_link_uri', 'login_hint']) {
      const page = await createBrowser().get(`${address({ iss: iss(), [twice]: iss() })}&${twice}=%2F`);
      expect(page.status, twice).toBe(400);
    }
  });

  test('by a body of 20 KB is refused', async () => {
    const fields = { iss: iss(), login_hint: 'x'.repeat(20_000) };
    const page = await createBrowser().post(pair.app.url('/auth/initiate-login'), fields, {}, portal);
    expect(page.status).toBe(413);
  });
});
