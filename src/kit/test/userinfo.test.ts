import { generateKeyPairSync } from 'node:crypto';
import type { Express } from 'express';
import { exportJWK } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import { describe, expect, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { getUser } from '../session/user-session.ts';
import type { MoreRoutes } from './helpers/app-with-routes.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, expectPlainFailure, reasons, withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf } from './helpers/pair.ts';
import { withPairOf } from './helpers/whole-life.ts';

// Userinfo is asked once for each sign-in. Where it is signed, the signature counts (OpenID Connect Core §5.3.2).

/** An ID token that says little, so that what a page shows of a person came by userinfo. */
const conformIdTokenClaims = true;
const features = { jwtUserinfo: { enabled: true }, encryption: { enabled: true } };
const userinfoAs = (client: Partial<ClientMetadata>) => ({
  algs: ['RS256', 'ES256'],
  overrides: { features, conformIdTokenClaims },
  client: { id_token_signed_response_alg: 'RS256', ...client },
});
const asked = (requests: string[]) => requests.filter((line) => line.endsWith(' /me')).length;

describe('userinfo', () => {
  test('is asked once, and its claims stand beside those of the ID token', () =>
    withPairOf({ overrides: { conformIdTokenClaims } }, async ({ provider, signIn, app }) => {
      const { page, browser } = await signIn('alice');
      expect(page.body).toContain('Alice Adams');
      await browser.get(app.url('/profile'));
      expect(asked(provider.requests)).toBe(1);
    }));

  test('says nothing about the sign-in itself: how, when and in which session is for the ID token to say', () => {
    const routes: MoreRoutes = {
      mount(app) {
        app.get('/rules/gold', requireAuth({ acr: 'gold' }), (_req, res) => void res.send('seen'));
        app.get('/who', requireAuth(), (req, res) => void res.json(getUser(req)?.claims));
      },
    };
    return withPair({ routes }, async (pair) => {
      const idToken = { acr: undefined, amr: undefined, sid: undefined, auth_time: undefined };
      const json = { acr: 'gold', amr: ['hwk'], sid: 'sid-2', auth_time: 1, nickname: 'Ada' };
      pair.op.next({ idToken, userinfo: { json } });
      await expectHonestSignIn(pair);
      const claims = JSON.parse((await pair.open('/who')).body);
      expect(claims).toMatchObject({ nickname: 'Ada' });
      expect(Object.keys(claims).filter((name) => Object.hasOwn(idToken, name))).toEqual([]);
      // The rule asks the provider instead.
      const sent = await pair.browser.get(pair.app.url('/rules/gold'), { follow: false });
      expect(new URL(sent.location ?? '').searchParams.get('acr_values')).toBe('gold');
    });
  });

  test('is not asked with OIDC_USERINFO=false', () =>
    withPairOf(
      { env: { OIDC_USERINFO: 'false' }, overrides: { conformIdTokenClaims } },
      async ({ provider, signIn }) => {
        const { page } = await signIn('alice');
        expect(page.status).toBe(200);
        expect(page.body).not.toContain('Alice Adams');
        expect(asked(provider.requests)).toBe(0);
      },
    ));

  test('is not asked where there is none', () =>
    withPairOf(
      { overrides: { features: { userinfo: { enabled: false } } } },
      async ({ provider, signIn }) => {
        expect((await signIn('alice')).page.status).toBe(200);
        expect(asked(provider.requests)).toBe(0);
      },
    ));

  test('signed as ID tokens are signs in', () =>
    withPairOf(userinfoAs({ userinfo_signed_response_alg: 'RS256' }), async ({ provider, signIn }) => {
      expect((await signIn('alice')).page.body).toContain('Alice Adams');
      expect(asked(provider.requests)).toBe(1);
    }));

  test('signed with another algorithm is refused, although its key is published', () =>
    withPairOf(userinfoAs({ userinfo_signed_response_alg: 'ES256' }), async ({ app, signIn }) => {
      const { page, browser } = await signIn('alice');
      expect([page.status, headingOf(page)]).toEqual([
        502,
        expect.stringMatching(/ didn't give us your details$/),
      ]);
      expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'userinfo_refused' }]);
      expect(browser.cookie('session')).toBeUndefined();
    }));

  test('that is encrypted is refused, and the log says what to do about it', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), use: 'enc', kid: 'enc' }] };
    const encrypted = {
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_alg: 'RSA-OAEP',
      jwks,
    };
    await withPairOf(userinfoAs(encrypted), async ({ app, signIn }) => {
      const { page, browser } = await signIn('alice');
      expect([page.status, headingOf(page)]).toEqual([502, "We couldn't read your details"]);
      const hint = expect.stringMatching(/userinfo is encrypted: .*OIDC_USERINFO=false/);
      expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'userinfo_encrypted', hint }]);
      expect(browser.cookie('session')).toBeUndefined();
    });
  });

  test.each([undefined, 'RS256'] as const)(
    'says nothing about the sign-in, which only the ID token can (signed: %s)',
    (userinfoSigned) => {
      const made = { acr: 'urn:example:strong', amr: ['made-up-factor'], sid: 'made-up-session' };
      const userinfo = { ...plain.userinfo, ...made, auth_time: Math.floor(Date.now() / 1000) };
      const idToken = {
        ...plain.idToken,
        acr: undefined,
        amr: undefined,
        sid: undefined,
        auth_time: undefined,
      };
      const routes = {
        mount: (app: Express) =>
          void app.get('/strong', requireAuth({ acr: made.acr }), (_, res) => void res.end()),
      };
      return withPair({ op: { profile: { ...plain, userinfo, idToken } }, routes }, async (pair) => {
        const { app, op, browser } = pair;
        op.next({ ...(userinfoSigned && { userinfoSigned }) });
        const { body } = await expectHonestSignIn(pair);
        expect(body).not.toMatch(/urn:example:strong|made-up/);
        const toProvider = await browser.get(app.url('/strong'), { follow: false });
        expect([toProvider.status, toProvider.location?.startsWith(op.origin)]).toEqual([302, true]);
      });
    },
  );

  for (const signing of ['broken', 'other-published-key'] as const) {
    test(`whose signature is ${signing} is refused; with a right one it signs in`, () =>
      withPair({}, async (pair) => {
        pair.op.next({ userinfoSigned: signing });
        expectPlainFailure(await pair.open('/profile'), pair.app);
        expect(reasons(pair.app)).toEqual(['userinfo_refused']);
        pair.op.next({ userinfoSigned: 'RS256' });
        await expectHonestSignIn(pair);
      }));
  }
});
