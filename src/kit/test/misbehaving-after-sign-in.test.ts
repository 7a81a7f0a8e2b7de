import { describe, expect, test, vi } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { getUser } from '../session/user-session.ts';
import type { MoreRoutes } from './helpers/app-with-routes.ts';
import { textOf } from './helpers/instances.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import { html, type Lies } from './helpers/misbehaving-replies.ts';
import { expectHonestSignIn, expectPlainFailure, withPair } from './helpers/misbehaving-sign-in.ts';

// A provider that misbehaves later: when tokens are refreshed, at a sign-out, and by not being there.
vi.setConfig({ maxConcurrency: 16, testTimeout: 30_000 });

describe('refreshing tokens', () => {
  const ending = { token: { json: { expires_in: 1 } } };
  const foreign: { name: string; lies: Lies }[] = [
    { name: 'of another issuer', lies: { idToken: { iss: 'https://other.example.com' } } },
    { name: 'of another user', lies: { idToken: { sub: 'user-2' } } },
    ...[{ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, { azp: 'other' }, { auth_time: 4e9 }, { auth_time: 0 }].map(
      (more) => ({
        name: `of another user with ${JSON.stringify(more)}`,
        lies: { idToken: { sub: 'user-2', ...more } },
      }),
    ),
  ];
  for (const { name, lies } of foreign) {
    test.concurrent(`an ID token ${name} ends the session`, () =>
      withPair({}, async (pair) => {
        const { op, app, open } = pair;
        op.next(ending);
        await expectHonestSignIn(pair);
        op.nextRefresh(lies);
        const page = await open('/api-data');
        expectPlainFailure(page, app);
        expect(app.events('token.refresh_failed')).toHaveLength(1);
        expect(app.events('session.ended')).toHaveLength(1);
        expect(op.calls.api).toBe(0);
        await expectHonestSignIn(pair);
      }));
  }

  const harmless: { name: string; lies: Lies }[] = [
    { name: 'a new ID token', lies: {} },
    { name: 'no new ID token', lies: { token: { json: { id_token: undefined } } } },
    { name: 'no new refresh token', lies: { token: { json: { refresh_token: undefined } } } },
  ];
  for (const { name, lies } of harmless) {
    test.concurrent(`with ${name} goes on`, () =>
      withPair({}, async (pair) => {
        const { op, app, open } = pair;
        op.next(ending);
        await expectHonestSignIn(pair);
        op.nextRefresh(lies);
        expect((await open('/api-data')).status).toBe(200);
        expect([op.calls.api, op.calls.token, app.events('token.refreshed').length]).toEqual([1, 2, 1]);
      }));
  }

  test.concurrent('with other claims leaves the user as the sign-in made them', () => {
    const asJson: MoreRoutes = {
      mount: (app) =>
        app.get('/who', requireAuth(), (req, res) => {
          const { acr, authTime, roles, scopes, sid, claims } = getUser(req) ?? {};
          res.json({ acr, authTime, roles, scopes, sid, claims });
        }),
    };
    return withPair({ routes: asJson }, async (pair) => {
      const { op, app, open } = pair;
      const now = Math.floor(Date.now() / 1000);
      const before = { acr: 'weak', auth_time: now - 5_000, roles: ['member'], sid: 'sid-1' };
      op.next({ idToken: before, token: { json: { expires_in: 1, scope: 'openid' } } });
      await expectHonestSignIn(pair);
      const who = (await open('/who')).body;
      expect(who).toContain('"acr":"weak"');
      const after = { acr: 'strong', auth_time: now, roles: ['admin'], sid: 'sid-2' };
      op.nextRefresh({ idToken: after, token: { json: { scope: 'openid reports' } } });
      expect((await open('/api-data')).status).toBe(200);
      expect(app.events('token.refreshed')).toHaveLength(1);
      expect((await open('/who')).body).toBe(who);
    });
  });

  test.concurrent('refused to ten requests at once is asked for once and logged once', () =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      op.next(ending);
      await expectHonestSignIn(pair);
      op.nextRefresh({ token: { status: 400, json: { error: 'invalid_grant' } } });
      const pages = await Promise.all(Array.from({ length: 10 }, () => open('/api-data')));
      // The latest of them may come when the session is gone already, and read so on /signed-out.
      for (const { url, status } of pages) expect([status, url]).not.toEqual([200, app.url('/api-data')]);
      expect([op.calls.token, op.calls.api]).toEqual([2, 0]);
      expect(app.events('token.refresh_failed').map(({ reason }) => reason)).toEqual(['invalid_grant']);
      expect(app.events('session.ended').map(({ reason }) => reason)).toEqual(['account']);
      await expectHonestSignIn(pair);
    }));

  for (const lie of [{ status: 503 }, { manner: 'hang-up' as const }, html]) {
    test.concurrent(`a token endpoint that answers with ${JSON.stringify(lie)} ends no session`, () =>
      withPair({}, async (pair) => {
        const { op, app, open } = pair;
        op.next(ending);
        await expectHonestSignIn(pair);
        op.nextRefresh({ token: lie });
        expect((await open('/api-data')).status).toBeGreaterThanOrEqual(500);
        // Sent once: a provider that had taken the refresh token would take a second one for theft.
        expect(op.calls.token).toBe(2);
        expect((await open('/profile')).status).toBe(200);
        expect(app.events('session.ended')).toEqual([]);
      }));
  }
});

describe.concurrent('signing out', () => {
  for (const state of ['wrong', undefined]) {
    test(`says so when the state that comes back is ${state ?? 'missing'}`, () =>
      withPair({}, async (pair) => {
        const { app, browser, open, op } = pair;
        const page = await expectHonestSignIn(pair);
        const left = await browser.submit(page, {}, { follow: false });
        expect(left.location).toMatch(`${op.origin}/logout?`);
        const back = await open(`/signed-out${state ? `?state=${state}` : ''}`);
        expect(back.status).toBe(200);
        expect(textOf(back)).toContain("You've signed out");
        expect(app.events('sign_out')).toHaveLength(1);
        await expectHonestSignIn(pair);
      }));
  }

  for (const lie of [{ status: 500 }, html, { manner: 'silent' as const }]) {
    test(`is not held up by a revocation that answers with ${JSON.stringify(lie)}`, () =>
      withPair({}, async (pair) => {
        const { browser, op } = pair;
        op.next({ revocation: lie });
        const page = await expectHonestSignIn(pair);
        const started = Date.now();
        const left = await browser.submit(page, {}, { follow: false });
        expect(left.location).toMatch(`${op.origin}/logout?`);
        expect(Date.now() - started).toBeLessThan(4_000);
      }));
  }
});

describe.concurrent('a provider that is away', () => {
  test('from the start gives a page that says to try later, and is found again', () =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      op.down();
      const page = await open('/profile');
      expectPlainFailure(page, app);
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5']);
      op.up();
      await expectHonestSignIn(pair);
      expect(app.events('provider.lost')).toHaveLength(1);
      expect(app.events('provider.found')).toHaveLength(1);
    }));

  test('later leaves those who are signed in alone, and lets them sign out', () =>
    withPair({}, async (pair) => {
      const { op, app, browser, open } = pair;
      const page = await expectHonestSignIn(pair);
      op.down();
      expect((await open('/profile')).status).toBe(200);
      const left = await browser.submit(page, {}, { follow: false });
      expect(new URL(left.location ?? '', app.origin).pathname).toMatch(/^\/(signed-out|logout)$/);
      expect((await browser.get(app.url('/profile'), { follow: false })).status).toBe(302);
    }));
});

describe.concurrent('an issuer that differs by its last slash', () => {
  for (const [ours, theirs, words] of [
    ['', '/', 'writes its issuer with a trailing slash'],
    ['/', '', 'writes its issuer without a trailing slash'],
  ] as const) {
    test(`is refused, and the log says that the provider ${words}`, () =>
      withPair(
        {
          op: { profile: { ...plain, issuerPath: `/tenant${ours}` } },
          lies: async (op) => ({ discovery: { json: { issuer: `${op.origin}/tenant${theirs}` } } }),
        },
        async (pair) => {
          const { app, open, op } = pair;
          expectPlainFailure(await open('/profile'), app);
          const [failure] = app.events('sign_in.failed');
          expect(failure?.reason).toBe('discovery_issuer');
          expect(JSON.stringify(failure)).toContain(words);
          op.honest();
          await expectHonestSignIn(pair);
        },
      ));
  }
});
