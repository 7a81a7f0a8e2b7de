import type { Express } from 'express';
import { describe, expect, test, vi } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { getUser } from '../session/user-session.ts';
import { createBrowser } from './helpers/browser.ts';
import { pressIn, statusOf } from './helpers/instances.ts';
import { entra } from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, expectPlainFailure, reasons, withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf } from './helpers/pair.ts';

// When somebody last proved who they are, at providers that do not say so (R18): Google, Dex, Entra by default, and
// Glewlwyd's 0.
vi.setConfig({ maxConcurrency: 8 });

const routes = {
  mount(app: Express) {
    app.get('/rules/fresh', requireAuth({ maxAgeSeconds: 60 }), (req, res) => {
      res.type('html').send(`<h1>Seen by ${getUser(req)?.sub}</h1>`);
    });
  },
};
const lenient = { OIDC_STEP_UP_WITHOUT_AUTH_TIME: 'true' };
const now = () => Math.floor(Date.now() / 1000);
const absent: [name: string, auth_time: unknown][] = [
  ['missing', undefined],
  ['null', null],
  ['zero', 0],
  ['negative', -1],
  ['a text', 'just now'],
  ['a number as a text', String(now())],
  ['true', true],
  ['a list', [now()]],
  ['an object', {}],
];

const fetched = { headers: { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, follow: false as const };

describe.concurrent('an auth_time that says nothing', () => {
  test.each(absent)('(%s) signs in as if it were not there', (_, auth_time) =>
    withPair({}, async (pair) => {
      pair.op.next({ idToken: { auth_time } });
      const page = await expectHonestSignIn(pair);
      expect(page.body).not.toContain('You proved who you are');
    }),
  );

  test.each(absent)('(%s) keeps a rule closed, with a page and not a circle', (_, auth_time) =>
    withPair({ routes }, async ({ app, op, open, browser }) => {
      op.next({ idToken: { auth_time } });
      expect((await open('/profile')).status).toBe(200);
      op.next({ idToken: { auth_time } });
      const page = await open('/rules/fresh');
      const asked = op.latest.authorization;
      expect([asked?.get('max_age'), asked?.get('prompt')]).toEqual(['60', 'login']);
      expectPlainFailure(page, app);
      expect([page.status, page.url, headingOf(page)]).toEqual([
        403,
        app.url('/rules/fresh'),
        "We couldn't confirm when you signed in",
      ]);
      expect((await open('/rules/fresh')).status, 'again').toBe(403);
      expect((await browser.get(app.url('/rules/fresh'), fetched)).status, 'to a script').toBe(403);
      expect(op.calls.authorization, 'asked twice in all').toBe(2);
      expect((await open('/profile')).status, 'still signed in').toBe(200);
      expect(app.events('sign_in.without_auth_time')).toMatchObject([{ sub: 'user-1', accepted: false }]);
      expect(app.events('access.denied').at(-1)).toMatchObject({
        reason: 'auth_time_missing',
        hint: expect.stringContaining('OIDC_STEP_UP_WITHOUT_AUTH_TIME'),
      });
    }),
  );

  test.each(absent)(
    '(%s) opens it where that is set, after a fresh sign-in only, and is audited',
    (_, auth_time) =>
      withPair({ routes, env: lenient }, async ({ app, op, open, browser }) => {
        op.next({ idToken: { auth_time } });
        expect((await open('/profile')).status).toBe(200);
        expect((await browser.get(app.url('/rules/fresh'), fetched)).status, 'not fresh yet').toBe(401);
        expect(app.events('sign_in.without_auth_time')).toEqual([]);
        op.next({ idToken: { auth_time } });
        expect(headingOf(await open('/rules/fresh'))).toBe('Seen by user-1');
        expect(app.events('sign_in.without_auth_time')).toMatchObject([{ sub: 'user-1', accepted: true }]);
        expect(op.calls.authorization).toBe(2);
      }),
  );

  test.each(absent)('(%s) is refused where OIDC_MAX_AGE is set', (_, auth_time) =>
    withPair({ env: { OIDC_MAX_AGE: '3600', ...lenient } }, async ({ app, op, open }) => {
      op.next({ idToken: { auth_time } });
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual(['not_fresh']);
    }),
  );

  test('in userinfo is not looked at: it was never checked', () =>
    withPair({ routes }, async ({ op, open }) => {
      for (const path of ['/profile', '/rules/fresh']) {
        op.next({
          idToken: { auth_time: undefined },
          userinfo: { json: { auth_time: now() + 10_000 } },
        });
        expect((await open(path)).status).toBe(path === '/profile' ? 200 : 403);
      }
    }));
});

test('a fresh sign-in without auth_time is fresh as long as the rule says', () =>
  withPair({ routes, env: lenient }, async ({ op, open }) => {
    for (const path of ['/profile', '/rules/fresh']) {
      op.next({ idToken: { auth_time: undefined } });
      expect((await open(path)).status).toBe(200);
    }
    try {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
      await open('/rules/fresh');
      expect(op.calls.authorization, 'within 60 s and the tolerance of 30 s').toBe(2);
      vi.setSystemTime(Date.now() + 60_000);
      op.next({ idToken: { auth_time: undefined } });
      expect((await open('/rules/fresh')).status).toBe(200);
      expect(op.calls.authorization).toBe(3);
    } finally {
      vi.useRealTimers();
    }
  }));

// Nobody must be kept from ending a stranger's session, whatever the provider leaves out (R18).
test.each(absent)('(%s) lets somebody end their other sessions, after a fresh sign-in only', (_, auth_time) =>
  withPair({}, async ({ app, op, open, browser }) => {
    const other = createBrowser();
    for (const each of [other, browser]) {
      op.next({ idToken: { auth_time } });
      expect((await each.get(app.url('/profile'))).status).toBe(200);
    }
    op.next({ idToken: { auth_time } });
    const back = await pressIn(browser, await open('/sessions'), '/sessions/end-others');
    expect([back.status, back.url]).toEqual([200, app.url('/sessions')]);
    expect(op.latest.authorization?.get('prompt')).toBe('login');
    expect(await statusOf(other, app), 'not before the fresh sign-in').toBe(200);
    await pressIn(browser, back, '/sessions/end-others');
    expect([await statusOf(other, app), await statusOf(browser, app)]).toEqual([401, 200]);
    expect(op.calls.authorization).toBe(3);
  }),
);

// openid-client refuses such a token for its auth_time alone, so it is judged in two steps: nothing of it may slip by.
describe.concurrent('an ID token whose auth_time is a text', () => {
  const odd = { auth_time: 'just now' };

  test.each([
    ['unpublished-key', 'id_token_signature'],
    ['other-published-key', 'id_token_signature'],
    ['unknown-kid', 'id_token_signature'],
    ['broken', 'id_token_signature'],
    ['none', 'id_token_algorithm'],
    ['HS256-secret', 'id_token_algorithm'],
    ['PS256', 'id_token_algorithm'],
  ] as const)('is refused when it is signed by %s', (sign, reason) =>
    withPair({}, async ({ op, app, open }) => {
      op.next({ sign, idToken: odd });
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual([reason]);
      expect((await open('/auth/session')).status).toBe(401);
    }),
  );

  test.each([
    [{ nonce: 'another' }, 'nonce_mismatch'],
    [{ aud: 'another' }, 'id_token_claims'],
    [{ iss: 'https://other.example.com' }, 'id_token_claims'],
    [{ exp: now() - 3600 }, 'id_token_expired'],
    [{ sub: undefined }, 'id_token_claims'],
    [{ at_hash: 'another' }, 'id_token_claims'],
    [{ azp: 'another' }, 'id_token_claims'],
  ])('is refused with %j', (claims, reason) =>
    withPair({}, async ({ op, app, open }) => {
      op.next({ idToken: { ...odd, ...claims } });
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual([reason]);
    }),
  );

  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)(
    'signs in by %s, and userinfo is still verified',
    (alg) =>
      withPair({ op: { alg }, env: { OIDC_ID_TOKEN_ALG: alg } }, async (pair) => {
        pair.op.next({ idToken: odd, userinfoSigned: 'unpublished-key' });
        expectPlainFailure(await pair.open('/profile'), pair.app);
        expect(reasons(pair.app)).toEqual(['userinfo_refused']);
        pair.op.next({ idToken: odd, userinfoSigned: alg });
        await expectHonestSignIn(pair);
      }),
  );

  test('signs in as the tenant that the token names', () =>
    withPair(
      { op: { profile: entra }, env: { OIDC_ALLOWED_TENANTS: String(entra.idToken.tid) } },
      async (pair) => {
        pair.op.next({ idToken: odd });
        await expectHonestSignIn(pair);
      },
    ));

  test('goes back to the provider at the sign-out as it came, also after a refresh', () =>
    withPair({}, async (pair) => {
      const { op, open, browser } = pair;
      op.next({ idToken: odd, token: { json: { expires_in: 1 } } });
      const page = await expectHonestSignIn(pair);
      op.nextRefresh({ idToken: odd });
      expect((await open('/api-data')).status).toBe(200);
      expect(pair.app.events('token.refreshed')).toHaveLength(1);
      await browser.submit(page);
      const hint = op.latest.end_session?.get('id_token_hint') ?? '';
      const [header = '', payload = ''] = hint.split('.');
      const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
      expect([parse(header).kid, parse(payload).auth_time]).toEqual(['rsa-1', odd.auth_time]);
    }));
});
