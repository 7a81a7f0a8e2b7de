import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AuthError } from '../errors/auth-error.ts';
import { requireAuth } from '../guard/require-auth.ts';
import { toRefreshError } from '../provider/refresh-failure.ts';
import type { ProviderSettings } from '../provider/settings.ts';
import { atLeast } from './helpers/app.ts';
import type { Page } from './helpers/browser.ts';
import { html, type Lie, type Lies } from './helpers/misbehaving-replies.ts';
import {
  expectHonestSignIn,
  expectPlainFailure,
  type Pair,
  withPair,
} from './helpers/misbehaving-sign-in.ts';
import { headingOf, startPair } from './helpers/pair.ts';

// What the token endpoint's answer to a refresh means (R13), and what a person can do then.

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const lifetime = (seconds: number): Lies => ({ token: { json: { expires_in: seconds } } });
const refused = (status: number, error?: string, error_description?: string): Lie => ({
  status,
  ...(error ? { json: { error, error_description } } : { body: '' }),
});

/** The library reads no such body. */
const behindChallenge = (...refusal: Parameters<typeof refused>): Lie => ({
  ...refused(...refusal),
  headers: { 'www-authenticate': 'Basic realm="x"' },
});
const calledText = (...refusal: Parameters<typeof refused>): Lie => ({
  ...refused(...refusal),
  headers: { 'content-type': 'text/plain' },
});

/** Signs in with a token of a minute, and lets it run out. */
async function withSpentToken(pair: Pair): Promise<void> {
  pair.op.next(lifetime(60));
  await expectHonestSignIn(pair);
  pass(61);
}

/** Where the page's "Sign in again" leads. */
function againOn({ body }: Page): string {
  return /href="([^"]*)">Sign in again</.exec(body)?.[1]?.replaceAll('&amp;', '&') ?? '';
}

/** Presses "Sign in again": it asks at the provider, and comes back to where it was pressed. */
async function expectWayBack({ op, app, browser }: Pair, page: Page, path: string): Promise<Page> {
  const asked = op.calls.authorization;
  const back = await browser.get(app.url(againOn(page)));
  expect([back.url, back.status]).toEqual([app.url(path), 200]);
  expect(op.calls.authorization).toBe(asked + 1);
  return back;
}

describe('a refusal that a new sign-in cures', () => {
  const cures: [string, Lies][] = [
    ['400 and no body (Glewlwyd)', { token: refused(400) }],
    ['400 in HTML', { token: { ...html, status: 400 } }],
    ['400 invalid_request (Dex)', { token: refused(400, 'invalid_request') }],
    ['400 unauthorized_client', { token: refused(400, 'unauthorized_client') }],
    ['400 invalid_scope', { token: refused(400, 'invalid_scope') }],
    ['400 unsupported_grant_type', { token: refused(400, 'unsupported_grant_type') }],
    ['400 of a kind nobody knows', { token: refused(400, 'something_new') }],
    ['400 interaction_required', { token: refused(400, 'interaction_required') }],
    ['400 account_selection_required', { token: refused(400, 'account_selection_required') }],
    ['403 login_required', { token: refused(403, 'login_required') }],
    ['401 consent_required', { token: refused(401, 'consent_required') }],
    ['403 access_denied', { token: refused(403, 'access_denied') }],
    ['an ID token for another client', { idToken: { aud: 'another-client' } }],
    ['an ID token for one more client', { idToken: { aud: ['web app:1', 'other'], azp: 'web app:1' } }],
    ['an ID token that nobody signed', { sign: 'none' }],
    ['an ID token signed by a new key (Hydra)', { sign: 'unpublished-key' }],
    ['an ID token that has run out', { idToken: { exp: 1 } }],
    ['an ID token from the future', { idToken: { iat: 4e9, exp: 5e9 } }],
    ['an ID token with a wrong at_hash', { idToken: { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' } }],
    ['an ID token with an empty sub', { idToken: { sub: '' } }],
    ['an ID token with more groups than fit', { idToken: { groups: Array(6_000).fill('g') } }],
    ['403 invalid_scope behind a challenge', { token: behindChallenge(403, 'invalid_scope') }],
    ['403 invalid_scope that is called a text', { token: calledText(403, 'invalid_scope') }],
  ];

  test.each(cures)('%s ends nothing, and the person signs in and comes back', (_name, lies) =>
    withPair({}, async (pair) => {
      const { op, app, open, browser } = pair;
      await withSpentToken(pair);
      op.nextRefresh(lies);
      const page = await open('/api-data?tab=2');
      expectPlainFailure(page, app);
      expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
      expect(app.events('token.refresh_failed').map(({ reason }) => reason)).toEqual(['sign_in_again']);
      expect([app.events('session.ended'), op.calls.api]).toEqual([[], 0]);
      expect((await browser.get(app.url('/profile'), { follow: false })).status).toBe(200);
      await expectWayBack(pair, page, '/api-data?tab=2');
      expect(op.calls.api).toBe(1);
    }),
  );

  test('is a 401 for a script', () =>
    withPair({}, async (pair) => {
      await withSpentToken(pair);
      pair.op.nextRefresh({ token: refused(400) });
      const script = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: 'application/json' };
      const answer = await pair.browser.get(pair.app.url('/api-data'), { headers: script, follow: false });
      expect([answer.status, answer.location]).toEqual([401, undefined]);
    }));

  test('does not send a refresh token again that was used up: the provider would take it for theft', () =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      await withSpentToken(pair);
      op.nextRefresh({ sign: 'unpublished-key' });
      expect((await open('/api-data')).status).toBe(401);
      const calls = op.calls.token;
      expect((await open('/api-data')).status).toBe(401);
      expect((await open('/profile')).status).toBe(200);
      expect([op.calls.token, app.events('session.ended')]).toEqual([calls, []]);
    }));

  test('and so is a token that has run out where there is no refresh token', () =>
    withPair({}, async (pair) => {
      const { op, open } = pair;
      op.next({ token: { json: { expires_in: 60, refresh_token: undefined } } });
      await expectHonestSignIn(pair);
      expect((await open('/api-data')).status).toBe(200);
      pass(61);
      const page = await open('/api-data');
      expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
      expect(op.calls.token).toBe(1);
      await expectWayBack(pair, page, '/api-data');
    }));
});

describe('a refusal of this app, not of the person', () => {
  test.each([
    ['401 invalid_client', refused(401, 'invalid_client')],
    ['401 invalid_request (Keycloak)', refused(401, 'invalid_request')],
    ['401 and no body (Glewlwyd)', refused(401)],
    ['401 with a challenge', { ...refused(401), headers: { 'www-authenticate': 'Basic realm="x"' } }],
    ['401 invalid_grant', refused(401, 'invalid_grant')],
    ['400 invalid_client (IdentityServer4)', refused(400, 'invalid_client')],
    ['400 invalid_client behind a challenge', behindChallenge(400, 'invalid_client')],
    ['400 invalid_client that is called a text', calledText(400, 'invalid_client')],
    ['403 behind a challenge, and an error that says nothing', behindChallenge(403, '')],
    ['403 and no body', refused(403)],
    ['403 and an error that is not a string', { status: 403, json: { error: 5 } }],
    ['403 in HTML', { ...html, status: 403 }],
  ])('%s is a 503 that ends nothing, and a loud line in the log', (_name, token) =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      await withSpentToken(pair);
      op.nextRefresh({ token });
      const page = await open('/api-data');
      expectPlainFailure(page, app);
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5']);
      expect(page.body).toContain('href="/api-data">Try again<');
      expect(againOn(page)).toBe('');
      expect([app.events('session.ended'), op.calls.api]).toEqual([[], 0]);
      const loud = app.lines.filter(atLeast('error')).filter(({ hint }) => /OIDC_CLIENT_/.test(String(hint)));
      expect(loud).toHaveLength(1);
      expect((await open('/profile')).status).toBe(200);
    }),
  );
});

describe('an answer that means "later"', () => {
  test.each<[string, Lie, string]>([
    ['408', refused(408), '5'],
    ['425', refused(425), '5'],
    ['429 with Retry-After', { ...refused(429, 'invalid_grant'), headers: { 'retry-after': '17' } }, '17'],
    ['429 for a day', { ...refused(429), headers: { 'retry-after': '86400' } }, '300'],
    ['429 for no time', { ...refused(429), headers: { 'retry-after': '0' } }, '1'],
    ['429 for nonsense', { ...refused(429), headers: { 'retry-after': 'soon' } }, '5'],
    ['500 invalid_grant', refused(500, 'invalid_grant'), '5'],
    ['502 with Retry-After', { ...refused(502), headers: { 'retry-after': '8' } }, '8'],
    ['503 with Retry-After', { ...refused(503), headers: { 'retry-after': '9' } }, '9'],
    ['404', refused(404), '5'],
    ['a redirect', { ...refused(302), headers: { location: '/elsewhere' } }, '5'],
    ['a broken connection', { manner: 'hang-up' }, '5'],
  ])('%s is a 503 that ends nothing', (_name, token, retryAfter) =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      await withSpentToken(pair);
      op.nextRefresh({ token });
      const page = await open('/api-data');
      expectPlainFailure(page, app);
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, retryAfter]);
      expect(page.body).toContain('href="/api-data">Try again<');
      expect([app.events('session.ended'), op.calls.api, op.calls.elsewhere]).toEqual([[], 0, 0]);
      expect((await open('/profile')).status).toBe(200);
    }),
  );

  test('with Retry-After as a date is as long as that', () =>
    withPair({}, async (pair) => {
      await withSpentToken(pair);
      const at = new Date(Date.now() + 42_000).toUTCString();
      pair.op.nextRefresh({ token: { ...refused(503), headers: { 'retry-after': at } } });
      const seconds = Number((await pair.open('/api-data')).headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(40);
      expect(seconds).toBeLessThanOrEqual(42);
    }));
});

test('metadata that cannot be had before a refresh says nothing about it, whatever the status of that answer', async () => {
  const settings = { clientAuth: 'client_secret_basic' } as ProviderSettings;
  const provider = { settings, clock: () => ({ drift: 0, tolerance: 30 }) };
  for (const status of [400, 401, 403, 404]) {
    const answer = Object.assign(new Error('unexpected status'), { cause: new Response('', { status }) });
    const error = toRefreshError(new AuthError('discovery_invalid', { cause: answer }), provider);
    expect([error.reason, error.status]).toEqual(['discovery_invalid', 503]);
  }
});

describe('invalid_grant ends the session, and says what the provider says has ended', () => {
  const account = /127\.0\.0\.1:\d+ no longer accepts this account, so we signed you out\./;
  const session = /Your sign-in at 127\.0\.0\.1:\d+ has ended, so we signed you out here too\./;
  const neutral = /127\.0\.0\.1:\d+ didn(?:'|&#39;)t renew your sign-in, so we signed you out\./;
  test.each([
    ['Session not active', session, 'provider-session'],
    ['Token is not active', session, 'provider-session'],
    ["Session doesn't have required client", session, 'provider-session'],
    ['Offline user session not found', session, 'provider-session'],
    ['User session not found or does not have client attached on it', session, 'provider-session'],
    ['The user session has expired', session, 'provider-session'],
    ['User disabled', account, 'account'],
    ['user_disabled', account, 'account'],
    ['Account disabled', account, 'account'],
    ['The user account is disabled.', account, 'account'],
    ['user is blocked', account, 'account'],
    ['User not found', account, 'account'],
    ['grant request is invalid', neutral, 'account'],
    ['The refresh token has expired due to inactivity.', neutral, 'account'],
    ['the grant was issued to another client', neutral, 'account'],
    [undefined, neutral, 'account'],
  ])('%s', (description, words, reason) =>
    withPair({}, async (pair) => {
      const { op, app, open, browser } = pair;
      await withSpentToken(pair);
      const cookie = browser.cookie('session');
      op.nextRefresh({ token: refused(400, 'invalid_grant', description) });
      const page = await open('/api-data?tab=3');
      expectPlainFailure(page, app);
      expect([page.status, headingOf(page)]).toEqual([401, 'Your session has ended']);
      expect(page.body).toMatch(words);
      expect(app.events('session.ended')).toMatchObject([{ reason, sub: 'user-1' }]);
      expect(app.events('token.refresh_failed')).toMatchObject([{ reason: 'invalid_grant' }]);
      await expectWayBack(pair, page, '/api-data?tab=3');
      // Another tab, which still has the old cookie, reads the same.
      browser.setCookie(app.origin, `session=${cookie}; Path=/`);
      const told = await open('/profile');
      expect(told.url).toBe(app.url('/signed-out?returnTo=%2Fprofile'));
      expect(told.body).toMatch(words);
    }),
  );

  test.each([
    ['403 (Auth0)', refused(403, 'invalid_grant', 'User disabled')],
    ['400 behind a challenge', behindChallenge(400, 'invalid_grant', 'User disabled')],
    ['403 behind a challenge', behindChallenge(403, 'invalid_grant', 'User disabled')],
    ['400 that is called a text', calledText(400, 'invalid_grant', 'User disabled')],
  ])('also where it comes as %s', (_how, token) =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      await withSpentToken(pair);
      op.nextRefresh({ token });
      const page = await open('/api-data');
      expect([page.status, headingOf(page)]).toEqual([401, 'Your session has ended']);
      expect(page.body).toMatch(account);
      expect(app.events('session.ended')).toHaveLength(1);
    }),
  );

  test('what the provider says goes into the log, bounded and without secrets, and onto no page', () =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      await withSpentToken(pair);
      const secret = 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6';
      const said = `provider-says\nforged line code=${secret} eyJhbGciOi.eyJzdWIi.x ${'long '.repeat(100)}`;
      op.nextRefresh({ token: refused(400, 'invalid_grant', said) });
      const page = await open('/api-data');
      expect(page.body).not.toContain('provider-says');
      const hint = String(app.events('token.refresh_failed')[0]?.hint);
      expect(hint).toContain('provider-says forged line');
      expect(hint.length).toBeLessThan(300);
      expect(JSON.stringify(app.lines)).not.toMatch(/A1b2C3d4E5|eyJhbGciOi|forged\\n/);
    }));
});

describe('a token that still has time left', () => {
  for (const token of [refused(503), refused(400), refused(401), { manner: 'hang-up' } as const]) {
    test(`is used when its refresh fails by ${JSON.stringify(token)}, and the provider is left alone`, () =>
      withPair({}, async (pair) => {
        const { op, app, open } = pair;
        op.next(lifetime(300));
        await expectHonestSignIn(pair);
        pass(280);
        op.nextRefresh({ token });
        for (let times = 0; times < 3; times++) expect((await open('/api-data')).status).toBe(200);
        expect([op.calls.token, op.calls.api]).toEqual([2, 3]);
        expect(app.events('token.refresh_failed')).toHaveLength(1);
        expect(app.events('session.ended')).toEqual([]);
      }));
  }

  test('is not used once the provider says that the grant is gone', () =>
    withPair({}, async (pair) => {
      pair.op.next(lifetime(300));
      await expectHonestSignIn(pair);
      pass(280);
      pair.op.nextRefresh({ token: refused(400, 'invalid_grant') });
      expect((await pair.open('/api-data')).status).toBe(401);
      expect(pair.op.calls.api).toBe(0);
    }));
});

describe('"Sign in again" for somebody who is signed in', () => {
  test.each([
    ['its own', '/profile?tab=6', '/profile?tab=6'],
    ['a foreign', 'https://other.example.com/profile', '/'],
    ['no', undefined, '/'],
  ])('after a form leads back to the page that holds it, by %s Referer', async (_whose, from, to) => {
    const pair = await startPair({
      routes: {
        mount: (app) =>
          app.post('/act', requireAuth(), () => {
            throw new AuthError('sign_in_again');
          }),
      },
    });
    const { browser } = await pair.signIn('alice');
    const headers = from ? { Referer: new URL(from, pair.app.origin).href } : undefined;
    const page = await browser.post(pair.app.url('/act'), {}, { follow: false, ...(headers && { headers }) });
    expect([page.status, againOn(page)]).toEqual([
      401,
      `/auth/login?returnTo=${encodeURIComponent(to)}&renew=1`,
    ]);
    await pair.stop();
  });

  test('starts a sign-in and comes back, also on the page of a sign-in that failed', () =>
    withPair({}, async (pair) => {
      const { op, open } = pair;
      await expectHonestSignIn(pair);
      op.next({ token: { status: 400, json: { error: 'invalid_grant' } } });
      const page = await open('/auth/login?renew=1&returnTo=%2Fprofile%3Ftab%3D4');
      expect(page.status).toBe(502);
      await expectWayBack(pair, page, '/profile?tab=4');
    }));

  test('on the notice leads back to the page it stands on, and takes nothing of a query (session.js adds it)', () =>
    withPair({}, async (pair) => {
      const { open } = pair;
      await expectHonestSignIn(pair);
      const notice = async (path: string) =>
        /href="([^"]*)" target="_blank"/.exec((await open(path)).body)?.[1]?.replaceAll('&amp;', '&');
      expect(await notice('/profile?tab=5')).toBe('/auth/login?returnTo=%2Fprofile&renew=1');
      expect(await notice('/no-such-page')).toBe('/auth/login?returnTo=%2Fno-such-page&renew=1');
      expect(await notice('/auth/logout?code=abc')).toBe('/auth/login?returnTo=%2Fauth%2Flogout&renew=1');
    }));
});
