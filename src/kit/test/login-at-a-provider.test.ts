import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { startHttpsFront } from './helpers/https-front.ts';
import { headingOf } from './helpers/pair.ts';
import { clientIds, type Name, startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';

// A sign-in at one of several providers, by the address of its own: /auth/login/<name>.

const both = ['work', 'google'] as const;

let two: TwoProviders;
beforeAll(async () => {
  two = await startTwoProviders({
    env: {
      ...{ OIDC_WORK_SCOPE: 'openid profile', OIDC_WORK_PAR: 'off', OIDC_PAR: 'require' },
      ...{ OIDC_GOOGLE_DPOP: 'true', OIDC_GOOGLE_CLIENT_AUTH: 'client_secret_post' },
    },
    clients: { google: { token_endpoint_auth_method: 'client_secret_post', dpop_bound_access_tokens: true } },
  });
});
afterAll(() => two?.stop());

const startAt = (name: string, query = 'returnTo=/profile', browser = createBrowser()) =>
  browser.get(two.url(`/auth/login/${name}?${query}`), { follow: false });

/** Who is signed in, and where. */
async function userOf(browser: ReturnType<typeof createBrowser>) {
  const { status, body } = await browser.get(two.url('/auth/session'));
  return status === 200 ? JSON.parse(body).user : undefined;
}

describe('/auth/login/<name>', () => {
  test('starts at that provider, with what is set for it', async () => {
    const atWork = new URL((await startAt('work')).location ?? '');
    expect(atWork.origin).toBe(two.work.issuer);
    expect(Object.fromEntries(atWork.searchParams)).toMatchObject({
      client_id: clientIds.work,
      redirect_uri: two.url('/auth/callback/work'),
      scope: 'openid profile',
      code_challenge_method: 'S256',
    });
    const atGoogle = new URL((await startAt('google')).location ?? '');
    expect(atGoogle.origin).toBe(two.google.issuer);
    // By PAR: only who asks, and which request.
    expect([...atGoogle.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    expect(atGoogle.searchParams.get('client_id')).toBe(clientIds.google);
    expect(two.google.requests).toContain('POST /request');
    expect(two.work.requests).not.toContain('POST /request');
  });

  test('signs in there, by the address of its own, and binds the tokens of that one only', async () => {
    const tokens: Record<string, string[]> = {};
    for (const name of both) {
      const types: string[] = [];
      tokens[name] = types;
      two[name].provider.on('grant.success', (ctx: { body: { token_type: string } }) => {
        types.push(ctx.body.token_type);
      });
      const { browser, page } = await two.signIn(name, 'alice');
      expect([page.status, page.url]).toEqual([200, two.url('/profile')]);
      expect(browser.visited.filter((line) => line.includes('/auth/callback'))).toEqual([
        expect.stringContaining(two.url(`/auth/callback/${name}?`)),
      ]);
    }
    expect(tokens).toEqual({ work: ['Bearer'], google: ['DPoP'] });
  });

  test.each(
    [
      ...['nobody', 'default', 'Work', 'WORK', 'work%20', 'work/x', '%2e%2e/work', 'work%00', 'constructor'],
      ...['__proto__', 'work,google', 'wörk', 'w'.repeat(2_000), 'provider', 'login'],
    ].map((name) => ({ name })),
  )('knows no other name: $name', async ({ name }) => {
    const requests = two.work.requests.length;
    for (const way of ['login', 'callback']) {
      const browser = createBrowser();
      const answer = await browser.get(two.url(`/auth/${way}/${name}`), { follow: false });
      expect([way, answer.status, answer.location]).toEqual([way, 404, undefined]);
      expect(browser.cookies).toEqual([]);
    }
    expect(two.work.requests.length).toBe(requests);
  });

  test('an unknown name is the page of an address that leads nowhere', async () => {
    expect(headingOf(await startAt('nobody'))).toBe('Page not found');
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('takes no %s', async (method) => {
    const answer = await createBrowser().request(method, two.url('/auth/login/work'));
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  test('a returnTo that leads elsewhere is the home page (R7)', async () => {
    const { page } = await two.signIn('work', 'alice', { path: '//evil.example/x' });
    expect(page.url).toBe(two.url('/'));
  });
});

describe('somebody who is signed in', () => {
  test('there already goes to the page, and to the provider only where they ask for it', async () => {
    const { browser } = await two.signIn('work', 'alice');
    const page = await startAt('work', 'returnTo=/bookings', browser);
    expect([page.status, page.location]).toEqual([302, two.url('/bookings')]);
    for (const query of ['renew=1', 'switch=yes', 'prompt=select_account']) {
      const again = await startAt('work', `returnTo=/bookings&${query}`, browser);
      expect(new URL(again.location ?? '').origin, query).toBe(two.work.issuer);
    }
  });

  test('elsewhere goes to this provider, and stays who they are until they come back', async () => {
    const { browser } = await two.signIn('work', 'alice');
    const session = browser.cookie('session');
    const sentOff = await startAt('google', 'returnTo=/bookings', browser);
    expect(new URL(sentOff.location ?? '').origin).toBe(two.google.issuer);
    expect(await userOf(browser)).toMatchObject({ sub: 'alice' });
    expect(browser.cookie('session')).toBe(session);

    const page = await two.goOn(browser, sentOff, 'google', 'bob');
    expect([page.status, page.url]).toEqual([200, two.url('/bookings')]);
    expect(await userOf(browser)).toMatchObject({ sub: 'bob' });
    expect(browser.cookie('session')).not.toBe(session);
    // The former session is no more (R5).
    const old = createBrowser();
    old.setCookie(two.app.origin, `session=${session}; Path=/`);
    expect(await userOf(old)).toBeUndefined();
  });

  test('has used the other one last only when they come back from it', async () => {
    const { browser } = await two.signIn('work', 'alice');
    const sentOff = await startAt('google', 'returnTo=/', browser);
    expect(browser.cookie('provider')).toBe('work');
    await two.goOn(browser, sentOff, 'google', 'alice');
    expect(browser.cookie('provider')).toBe('google');
  });

  test.each(['cross-site', 'same-site'])(
    'is asked first where a link comes from elsewhere: %s',
    async (site) => {
      const { browser } = await two.signIn('work', 'alice');
      for (const name of both) {
        const headers = { 'Sec-Fetch-Site': site };
        const page = await browser.get(two.url(`/auth/login/${name}?returnTo=/bookings`), {
          headers,
          follow: false,
        });
        expect([page.status, page.location, headingOf(page)]).toEqual([
          200,
          undefined,
          'Continue to sign in?',
        ]);
        expect(page.body).toContain(`href="/auth/login/${name}?returnTo=%2Fbookings"`);
      }
      expect(await userOf(browser)).toMatchObject({ sub: 'alice' });
      expect(browser.cookies.filter(({ name }) => name.startsWith('login-'))).toEqual([]);
    },
  );
});

test.each(['cross-site', 'same-site'])(
  'a link from elsewhere signs nobody in at the provider that it chose, unasked (ASVS 7.6.2): %s',
  async (site) => {
    const browser = createBrowser();
    const visit = { headers: { 'Sec-Fetch-Site': site }, follow: false };
    const page = await browser.get(two.url('/auth/login/google?returnTo=/bookings'), visit);
    expect([page.status, page.location, headingOf(page)]).toEqual([200, undefined, 'Continue to sign in?']);
    expect(page.body).toContain('href="/auth/login/google?returnTo=%2Fbookings"');
    expect(browser.cookies).toEqual([]);
    const own = await startAt('google', 'returnTo=/bookings', browser);
    expect(new URL(own.location ?? '').origin).toBe(two.google.issuer);
  },
);

test('two sign-ins at two providers that are on their way at once both come to their end', async () => {
  const browser = createBrowser();
  const first = await startAt('work', 'returnTo=/bookings', browser);
  const second = await startAt('google', 'returnTo=/profile', browser);
  const ofSecond = await two.goOn(browser, second, 'google', 'alice');
  expect([ofSecond.status, ofSecond.url]).toEqual([200, two.url('/profile')]);
  const ofFirst = await two.goOn(browser, first, 'work', 'bob');
  expect([ofFirst.status, ofFirst.url]).toEqual([200, two.url('/bookings')]);
  expect(await userOf(browser)).toMatchObject({ sub: 'bob' });
});

test('the answer of one comes as a form and that of the other in the address', async () => {
  const front = await startHttpsFront();
  const mixed = await startTwoProviders({
    env: { OIDC_GOOGLE_RESPONSE_MODE: 'form_post', TRUST_PROXY_HOPS: '1' },
    baseUrl: front.origin,
    ca: front.ca,
  });
  onTestFinished(async () => {
    await front.stop();
    await mixed.stop();
  });
  front.lead(mixed.app.origin);
  const browser = createBrowser({ ca: front.ca });
  const attributes = (name: Name) =>
    browser.setCookies.filter(
      ({ url, line }) => url.includes(`/auth/login/${name}`) && /^__Host-login-/.test(line),
    );
  for (const name of ['google', 'work', 'google'] as const) {
    const { page } = await mixed.signIn(name, 'alice', { browser });
    expect([page.status, page.url]).toEqual([200, mixed.url('/profile')]);
  }
  for (const { line } of attributes('google'))
    expect(line).toMatch(/; Path=\/; .*HttpOnly; Secure; SameSite=None$/);
  for (const { line } of attributes('work'))
    expect(line).toMatch(/; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/);
  expect([attributes('google').length, attributes('work').length]).toEqual([2, 1]);
  // The answer of the one that uses the address is none as a form.
  const answer = await browser.post(
    mixed.url('/auth/callback/work'),
    { state: 'x', code: 'y' },
    {},
    mixed.work.issuer,
  );
  expect(answer.status).toBe(403);
  const choice = browser.setCookies.filter(({ line }) => line.startsWith('__Host-provider='));
  expect(choice.at(-1)?.line).toBe('__Host-provider=google; Path=/; HttpOnly; Secure; SameSite=Lax');
});
