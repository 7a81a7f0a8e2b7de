import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SignInFailure } from '../errors/reasons.ts';
import {
  type EncryptionKey,
  encryptByHand,
  encryptFor,
  encryptionKey,
  expectNothingLogged,
  keyFolder,
} from './helpers/encrypted-tokens.ts';
import { signToken } from './helpers/misbehaving-keys.ts';
import { entra, foreignTenant, homeTenant, plain } from './helpers/misbehaving-profiles.ts';
import type { Answer } from './helpers/misbehaving-replies.ts';
import {
  expectHonestSignIn,
  expectPlainFailure,
  type Pair,
  reasons,
  withPair,
} from './helpers/misbehaving-sign-in.ts';
import { withRecheck } from './helpers/rechecks.ts';

// What providers do besides encrypting, and encrypted userinfo of one that lies.

const folder = keyFolder();
afterAll(folder.remove);

let key: EncryptionKey;
let env: Record<string, string>;
beforeAll(async () => {
  key = await encryptionKey('RSA');
  env = { OIDC_DECRYPTION_KEY_FILE: folder.files(key) };
});

/** Has the provider encrypt each ID token; those that it signed are handed back as they come. */
function encryptsIdTokens(op: Pair['op']): string[] {
  const signed: string[] = [];
  op.takeOver('token', async (honest) => {
    const { id_token } = honest.json ?? {};
    if (typeof id_token !== 'string') return honest;
    signed.push(id_token);
    return { ...honest, json: { ...honest.json, id_token: await encryptFor(key, id_token) } };
  });
  return signed;
}

async function hintOf({ browser, open }: Pair): Promise<string | null> {
  const left = await browser.submit(await open('/profile'), {}, { follow: false });
  return new URL(left.location ?? '').searchParams.get('id_token_hint');
}

describe('an encrypted ID token', () => {
  test.each([0, null, 'yesterday', -1, ''])('may have an auth_time that is no time: %j', (auth_time) =>
    withPair({ env }, async (pair) => {
      const { op, app, open } = pair;
      const signed = encryptsIdTokens(op);
      op.next({ idToken: { auth_time }, token: { json: { expires_in: 1 } } });
      await expectHonestSignIn(pair);
      op.nextRefresh({ idToken: { auth_time } });
      expect((await open('/api-data')).status).toBe(200);
      expect(app.events('token.refreshed')).toHaveLength(1);
      // As the provider signed it, and not as the repair did.
      expect(await hintOf(pair)).toBe(signed[1]);
    }),
  );

  test('with such an auth_time and a signature of somebody else is refused', () =>
    withPair({ env }, async (pair) => {
      encryptsIdTokens(pair.op);
      pair.op.next({ idToken: { auth_time: 0 }, sign: 'unpublished-key' });
      expectPlainFailure(await pair.open('/profile'), pair.app);
      expect(reasons(pair.app)).toEqual(['id_token_signature']);
      await expectHonestSignIn(pair);
    }));

  test('may be of any tenant that is allowed, and of no other', () =>
    withPair({ env: { ...env, OIDC_ALLOWED_TENANTS: homeTenant }, op: { profile: entra } }, async (pair) => {
      const { op, app, browser, open } = pair;
      const signed = encryptsIdTokens(op);
      op.next({ idToken: { tid: foreignTenant } });
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual(['tenant_not_allowed']);
      await expectHonestSignIn(pair);
      expect(await hintOf(pair)).toBe(signed[1]);
      expect(browser.cookies.length).toBeGreaterThan(0);
    }));

  test('may be signed by a key that was published a moment ago', () =>
    withPair({ env }, async (pair) => {
      encryptsIdTokens(pair.op);
      await expectHonestSignIn(pair);
      pair.op.rotateKeys();
      expect((await pair.open('/auth/login?returnTo=/profile')).status).toBe(200);
      expect(reasons(pair.app)).toEqual([]);
    }));

  test('has its at_hash, azp and acr checked as any other', () =>
    withPair({ env }, async (pair) => {
      encryptsIdTokens(pair.op);
      for (const idToken of [{ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, { azp: 'another' }, { sub: '' }]) {
        pair.op.next({ idToken });
        expectPlainFailure(await pair.open('/profile'), pair.app);
      }
      expect(reasons(pair.app)).toEqual(['id_token_claims', 'id_token_claims', 'id_token_claims']);
      await expectHonestSignIn(pair);
    }));
});

test('an access token may be encrypted: nobody but its API reads it', () =>
  withPair({ env }, async (pair) => {
    const { op, app, open } = pair;
    const access_token = await encryptFor(key, '{"sub":"user-1"}', { enc: 'A128GCM', alg: 'RSA-OAEP' });
    op.takeOver('userinfo', () => ({ json: { sub: 'user-1', ...plain.userinfo } }));
    op.takeOver('api', () => ({ json: { message: 'hello' } }));
    // The ID token says nothing about the access token, which the stub hashes before it is replaced.
    op.takeOver('token', (honest) => ({ ...honest, json: { ...honest.json, access_token } }));
    op.next({ idToken: { at_hash: undefined } });
    await expectHonestSignIn(pair);
    expect((await open('/api-data')).status).toBe(200);
    expect(op.received.some((line) => line.includes(`Bearer ${access_token}`))).toBe(true);
    expectNothingLogged(app, access_token.split('.'));
  }));

const inside = { sub: 'user-1', ...plain.userinfo, nickname: 'only-in-userinfo' };
type Answering = (
  signed: (claims?: object, signing?: 'none' | 'unpublished-key') => Promise<string>,
) => Promise<Answer>;
const asJwt = (body: string, type = 'application/jwt'): Answer => ({
  headers: { 'content-type': type },
  body,
});

const refused: { name: string; answer: Answering; reason: SignInFailure; hint: RegExp }[] = [
  {
    name: 'that is encrypted and not signed',
    answer: async () => asJwt(await encryptFor(key, JSON.stringify(inside))),
    reason: 'userinfo_encrypted',
    hint: /^userinfo is encrypted but not signed: have the provider sign it too, or set OIDC_USERINFO=false$/,
  },
  {
    name: 'signed by nobody',
    answer: async (signed) => asJwt(await encryptFor(key, await signed(inside, 'none'))),
    reason: 'userinfo_refused',
    hint: /userinfo is signed with none, and OIDC_ID_TOKEN_ALG is RS256/,
  },
  {
    name: 'signed by somebody else',
    answer: async (signed) => asJwt(await encryptFor(key, await signed(inside, 'unpublished-key'))),
    reason: 'userinfo_refused',
    hint: /signature/,
  },
  {
    name: 'of another user',
    answer: async (signed) => asJwt(await encryptFor(key, await signed({ ...inside, sub: 'user-2' }))),
    reason: 'userinfo_sub_mismatch',
    hint: /"sub"/,
  },
  {
    name: 'of another issuer',
    answer: async (signed) =>
      asJwt(await encryptFor(key, await signed({ ...inside, iss: 'https://other.example.com' }))),
    reason: 'userinfo_refused',
    hint: /iss/,
  },
  {
    name: 'for another client',
    answer: async (signed) => asJwt(await encryptFor(key, await signed({ ...inside, aud: 'another' }))),
    reason: 'userinfo_refused',
    hint: /aud/,
  },
  {
    name: 'for another key',
    answer: async (signed) =>
      asJwt(await encryptFor(await encryptionKey('RSA', 'of somebody else'), await signed())),
    reason: 'userinfo_encrypted',
    hint: /^no key of OIDC_DECRYPTION_KEY_FILE opens userinfo \(its kid names another key\): register/,
  },
  {
    name: 'that is compressed',
    answer: async (signed) => asJwt(encryptByHand(key, await signed(), { zip: 'DEF' })),
    reason: 'userinfo_encrypted',
    hint: /^userinfo is compressed/,
  },
  {
    name: 'encrypted twice',
    answer: async (signed) => asJwt(await encryptFor(key, await encryptFor(key, await signed()))),
    reason: 'userinfo_encrypted',
    hint: /^userinfo is encrypted twice/,
  },
  ...['text/plain', 'application/json', 'application/jose', undefined].map((type) => ({
    name: `sent as ${type}`,
    answer: (async (signed) => asJwt(await encryptFor(key, await signed()), type ?? '')) as Answering,
    reason: 'userinfo_encrypted' as const,
    hint: new RegExp(
      `^userinfo is encrypted and sent ${type ? `as ${type}` : 'without a Content-Type'}: have the provider send it as application/jwt, or set`,
    ),
  })),
];

describe('encrypted userinfo', () => {
  /** Has the provider answer so where userinfo is asked for. */
  function answers({ op }: Pair, answer: Answering, inPlay: string[] = []): void {
    const { clientSecret, clientId: aud, issuer: iss } = op;
    op.takeOver('userinfo', async () => {
      const made = await answer(async (claims = inside, signing) => {
        const options = { alg: 'RS256', turn: 1, clientSecret } as const;
        const token = await signToken({ iss, aud, ...claims }, { ...options, signing: signing ?? 'RS256' });
        inPlay.push(...token.split('.').slice(1));
        return token;
      });
      inPlay.push(...(made.body ?? '').split('.'));
      return made;
    });
  }

  const good: Answering = async (signed) => asJwt(await encryptFor(key, await signed()));

  test.each(['application/jwt', 'application/jwt; charset=utf-8'])(
    'that is signed inside is read (%s)',
    (type) =>
      withPair({ env }, async (pair) => {
        answers(pair, async (signed) => asJwt(await encryptFor(key, await signed()), type));
        const page = await expectHonestSignIn(pair);
        expect(page.body).toContain(inside.nickname);
      }),
  );

  for (const { name, answer, reason, hint } of refused) {
    test(`${name} is refused`, () =>
      withPair({ env }, async (pair) => {
        const { op, app, open, browser } = pair;
        const inPlay: string[] = [inside.nickname];
        answers(pair, answer, inPlay);
        const page = await open('/profile');
        expectPlainFailure(page, app);
        expect(page.status).toBe(502);
        expect(app.events('sign_in.failed')).toMatchObject([{ reason, hint: expect.stringMatching(hint) }]);
        expect(browser.cookie('session')).toBeUndefined();
        op.honest();
        await expectHonestSignIn(pair);
        expectNothingLogged(app, inPlay);
      }));
  }

  test('that cannot be read at a recheck ends nothing', () =>
    withRecheck({ env }, async (at) => {
      answers(at, async () => asJwt(await encryptFor(key, JSON.stringify(inside))));
      at.pass(11);
      expect((await at.open('/profile')).status).toBe(200);
      expect(at.reasons('session.ended')).toEqual([]);
      answers(at, good);
      at.pass(11);
      expect((await at.open('/profile')).status).toBe(200);
    }));
});
