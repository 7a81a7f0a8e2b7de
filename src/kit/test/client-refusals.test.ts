import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK } from 'jose';
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { Answer, Lie } from './helpers/misbehaving-replies.ts';
import { html } from './helpers/misbehaving-replies.ts';
import { expectHonestSignIn, expectPlainFailure, withPair } from './helpers/misbehaving-sign-in.ts';

// Providers refuse a client in many ways. What each means decides whether the next key is tried, whether somebody's
// session ends, and what the log says.
vi.setConfig({ maxConcurrency: 8 });

const folder = mkdtempSync(join(tmpdir(), 'client-refusals-'));
afterAll(() => rmSync(folder, { recursive: true }));
const [first, second] = ['first.pem', 'second.pem'].map((name) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const path = join(folder, name);
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { path, publicKey };
}) as [Key, Key];
interface Key {
  path: string;
  publicKey: KeyObject;
}
const secondKid = exportJWK(second.publicKey).then((jwk) => calculateJwkThumbprint(jwk));
const byKey = { OIDC_CLIENT_SECRET: '', OIDC_CLIENT_AUTH: 'private_key_jwt' };
const takesAssertion = () => true;

/** With any of these the endpoint does not know the client (RFC 6749 §5.2, and what servers make of it). */
const refusals: [name: string, answer: Answer][] = [
  ['400 invalid_client', { status: 400, json: { error: 'invalid_client' } }],
  ['401 invalid_client', { status: 401, json: { error: 'invalid_client' } }],
  ["401 invalid_request (Keycloak's PAR)", { status: 401, json: { error: 'invalid_request' } }],
  ['401 with no body (Glewlwyd)', { status: 401, body: '' }],
  ['403 with no body (Glewlwyd)', { status: 403, body: '' }],
  ['401 as HTML', { ...html, status: 401 }],
  ['403 as HTML', { ...html, status: 403 }],
  ['401 with JSON that is no error', { status: 401, json: { message: 'no' } }],
  ['403 with JSON that is no error', { status: 403, json: { message: 'no' } }],
  ['401 with a challenge', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: '' }],
  ['403 with a challenge', { status: 403, headers: { 'www-authenticate': 'Basic realm="x"' }, body: '' }],
];

describe.concurrent('while the provider knows the second client key only', () => {
  const cases = refusals.flatMap(([name, answer]) =>
    [true, false].map((par) => [name, par, answer] as const),
  );
  test.each(cases)('a refusal by %s leads to the second key (PAR: %s)', async (_, par, refusesClients) => {
    const kid = await secondKid;
    const op = {
      par,
      refusesClients,
      takesAssertion: (assertion: string) => decodeProtectedHeader(assertion).kid === kid,
    };
    const env = { ...byKey, OIDC_CLIENT_KEY_FILE: `${first.path},${second.path}` };
    await withPair({ op, env }, async (pair) => {
      pair.op.next({ token: { json: { expires_in: 1 } } });
      const page = await expectHonestSignIn(pair);
      await pair.open('/api-data');
      expect(pair.app.events('token.refreshed')).toHaveLength(1);
      await pair.browser.submit(page);
      const said = JSON.stringify(pair.app.lines);
      expect(said).toContain('trying the next');
      expect(said).not.toContain('could not be revoked');
      // Each of the three or four calls was made twice.
      expect([pair.op.calls.par, pair.op.calls.token, pair.op.calls.revocation]).toEqual([par ? 2 : 0, 4, 2]);
    });
  });

  test('a refusal that is no such thing does not', () =>
    withPair(
      { op: { takesAssertion }, env: { ...byKey, OIDC_CLIENT_KEY_FILE: `${first.path},${second.path}` } },
      async ({ op, app, open }) => {
        const others: [number, string][] = [
          [400, 'invalid_grant'],
          [400, 'unauthorized_client'],
          [403, 'access_denied'],
        ];
        for (const [status, error] of others) {
          const calls = op.calls.token;
          op.next({ token: { status, json: { error } } });
          expectPlainFailure(await open('/profile'), app);
          expect(op.calls.token - calls, error).toBe(1);
        }
        const calls = op.calls.token;
        op.next({ userinfo: { status: 401, body: '' } });
        expectPlainFailure(await open('/profile'), app);
        expect(op.calls.token - calls, "userinfo's 401").toBe(1);
      },
    ));
});

describe.concurrent('the hint in the log', () => {
  test.each(refusals)('of %s says that the client was refused, and by whom', (_, lie) =>
    withPair({ op: { par: true } }, async ({ op, app, open }) => {
      op.next({ token: lie });
      expectPlainFailure(await open('/profile'), app);
      op.next({ par: lie });
      expectPlainFailure(await open('/profile'), app);
      const [atToken, atPar] = app.events('sign_in.failed');
      const refused = (path: string) =>
        expect.stringMatching(`^invalid_client: OIDC_CLIENT_ID.*${op.origin}${path} answered ${lie.status}`);
      expect(atToken).toMatchObject({ reason: 'token_refused', hint: refused('/token') });
      expect(atPar).toMatchObject({ reason: 'provider_error', hint: refused('/par') });
    }),
  );

  const unusable: [name: string, lie: Lie, status: number][] = [
    ['500', { status: 500 }, 500],
    ['404 as HTML', { ...html, status: 404 }, 404],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, 302],
    ['400 without an error', { status: 400, body: '' }, 400],
    ['HTML', html, 200],
    ['JSON that is cut off', { body: '{"access_token": ' }, 200],
    ['an answer without a token', { json: { access_token: undefined } }, 200],
    ['an answer without end', { manner: 'flood' }, 200],
  ];
  test.each(unusable)('of %s names the endpoint and the status', (_, lie, status) =>
    withPair({}, async ({ op, app, open }) => {
      op.next({ token: lie });
      expectPlainFailure(await open('/profile'), app);
      expect(app.events('sign_in.failed')).toMatchObject([
        { reason: 'provider_answer', hint: expect.stringMatching(`/?token.* answered ${status}`) },
      ]);
    }),
  );
});

describe.concurrent('invalid_grant that speaks of our own assertion', () => {
  const env = { ...byKey, OIDC_CLIENT_KEY_FILE: first.path };
  const ours = [
    'The audience of the client assertion is not valid.',
    'invalid audience',
    'Audience mismatch',
    'client_assertion rejected',
    'The "aud" claim is wrong',
  ];
  const theirs = [
    'The refresh token was issued to another client',
    'The specified token cannot be used by this client application.',
    'Token is not active',
    'Reassertion and auditing are off',
    undefined,
  ];

  async function refreshRefused(
    settings: Record<string, string>,
    error_description: string | undefined,
    use: (signedIn: boolean, hint: string | undefined, status: number) => void,
    headers: Record<string, string> = {},
  ) {
    await withPair({ op: { takesAssertion }, env: settings }, async (pair) => {
      const { op, app, open } = pair;
      op.next({ token: { json: { expires_in: 1 } } });
      await expectHonestSignIn(pair);
      op.nextRefresh({
        token: { status: 400, headers, json: { error: 'invalid_grant', error_description } },
      });
      const { status } = await open('/api-data');
      const signedIn = (await pair.browser.get(app.url('/profile'), { follow: false })).status === 200;
      const { hint } = (app.events('token.refresh_failed')[0] ?? {}) as { hint?: string };
      use(signedIn, hint, status);
    });
  }

  test.each(ours)('ends no session, and the log names the settings: %s', (description) =>
    refreshRefused(env, description, (signedIn, hint, status) => {
      expect([signedIn, status]).toEqual([true, 503]);
      expect(hint).toContain('OIDC_CLIENT_ASSERTION_AUDIENCE, OIDC_CLIENT_ASSERTION_TYP');
    }),
  );

  test.each([{ 'www-authenticate': 'Basic realm="x"' }, { 'content-type': 'text/plain' }])(
    'ends no session either where the library does not read it: %j',
    (headers) =>
      refreshRefused(
        env,
        'invalid audience',
        (signedIn, hint, status) => {
          expect([signedIn, status]).toEqual([true, 503]);
          expect(hint).toContain('invalid audience');
          expect(hint).not.toContain('the code was used already');
        },
        headers,
      ),
  );

  test.each(theirs)('any other ends it: %s', (description) =>
    refreshRefused(env, description, (signedIn) => expect(signedIn).toBe(false)),
  );

  test.each(ours)('so does this one where no key signs an assertion: %s', (description) =>
    refreshRefused({}, description, (signedIn) => expect(signedIn).toBe(false)),
  );

  test('is named in the log at a sign-in too, and at PAR by whatever code', () =>
    withPair({ op: { takesAssertion, par: true }, env }, async ({ op, app, open }) => {
      const json = { error: 'invalid_grant', error_description: ours[0] };
      op.next({ token: { status: 400, json } });
      expectPlainFailure(await open('/profile'), app);
      op.next({ par: { status: 400, json: { ...json, error: 'invalid_token' } } });
      expectPlainFailure(await open('/profile'), app);
      const hint = expect.stringContaining('OIDC_CLIENT_ASSERTION_AUDIENCE');
      expect(app.events('sign_in.failed')).toMatchObject([
        { reason: 'token_refused', hint },
        { reason: 'provider_error', hint },
      ]);
    }));
});
