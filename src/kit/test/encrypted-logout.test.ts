import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Decryption } from '../provider/decryption.ts';
import { openLogoutToken } from '../provider/logout-token.ts';
import type { Providers } from '../provider/providers.ts';
import type { TestApp } from './helpers/app.ts';
import { settingsOf, startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';
import {
  countUses,
  type EncryptionKey,
  encode,
  encryptByHand,
  encryptFor,
  encryptionKey,
  expectNothingLogged,
  keyFolder,
  kinds,
} from './helpers/encrypted-tokens.ts';
import { logoutEvent, resign } from './helpers/logout-tokens.ts';
import { type Signing, signToken } from './helpers/misbehaving-keys.ts';
import { expectHonestSignIn, type Pair, withPair } from './helpers/misbehaving-sign-in.ts';
import { logoutTokenOf } from './helpers/two-provider-tokens.ts';

// Logout tokens may be encrypted as ID tokens are (Back-Channel Logout 1.0 §2.4). Anybody may send them, and encrypt
// them too, for the keys are public.

const folder = keyFolder();
afterAll(folder.remove);

let rsa: EncryptionKey;
let rsaToo: EncryptionKey;
let strangers: EncryptionKey;
let ec: EncryptionKey;
beforeAll(async () => {
  [rsa, rsaToo, strangers, ec] = await Promise.all([
    encryptionKey('RSA'),
    encryptionKey('RSA', 'too'),
    encryptionKey('RSA', 'of somebody else'),
    encryptionKey('P-256'),
  ]);
});

async function post(app: TestApp, ...tokens: string[]): Promise<Response> {
  const body = new URLSearchParams(tokens.map((token) => ['logout_token', token]));
  return fetch(app.url('/auth/backchannel-logout'), { method: 'POST', body, redirect: 'manual' });
}

interface Signed {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  signing?: Signing;
}

function logoutToken({ op }: Pair, { claims, header, signing = 'RS256' }: Signed = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const times = { iat, exp: iat + 60, jti: randomUUID() };
  const whole = { iss: op.issuer, aud: op.clientId, sub: 'user-1', ...times, events: { [logoutEvent]: {} } };
  const options = { alg: 'RS256', turn: 1, clientSecret: op.clientSecret, signing } as const;
  return signToken({ ...whole, ...claims }, { ...options, header: { typ: 'logout+jwt', ...header } });
}

const withKeys = (use: (pair: Pair) => Promise<void>, ...keys: EncryptionKey[]) =>
  withPair({ env: { OIDC_DECRYPTION_KEY_FILE: folder.files(...keys) } }, use);

/** Who is signed in stays so where a token is refused: a page is seen without a sign-in. */
async function isSignedIn({ browser, app }: Pair): Promise<boolean> {
  return (await browser.get(app.url('/profile'), { follow: false })).status === 200;
}

test.each(kinds)('an encrypted logout token ends sessions, once: a key of kind %s', async (kind) => {
  const key = await encryptionKey(kind);
  await withKeys(async (pair) => {
    const { app, op, open } = pair;
    for (const enc of ['A128GCM', 'A256GCM', 'A128CBC-HS256']) {
      expect((await open('/auth/login?returnTo=/profile')).url).toBe(app.url('/profile'));
      const token = await encryptFor(key, await logoutToken(pair), { enc });
      const answer = await post(app, token);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(await answer.text()).toBe('');
      expect(await isSignedIn(pair)).toBe(false);
      // A copy ends no later session.
      await open('/auth/login?returnTo=/profile');
      expect((await post(app, token)).status).toBe(400);
      expect(await isSignedIn(pair)).toBe(true);
    }
    const copy = { reason: 'its jti was seen before', iss: op.issuer };
    expect(app.events('logout_token.refused')).toMatchObject([copy, copy, copy]);
  }, key);
});

test('what is encrypted anew is still the token that was used', () =>
  withKeys(
    async (pair) => {
      const signed = await logoutToken(pair);
      expect((await post(pair.app, await encryptFor(rsa, signed))).status).toBe(200);
      for (const again of [await encryptFor(rsa, signed), await encryptFor(ec, signed), signed])
        expect((await post(pair.app, again)).status).toBe(400);
    },
    rsa,
    ec,
  ));

test('a logout token that is signed only is taken with a key, too', () =>
  withKeys(async (pair) => {
    await expectHonestSignIn(pair);
    expect((await post(pair.app, await logoutToken(pair))).status).toBe(200);
    expect(await isSignedIn(pair)).toBe(false);
  }, rsa));

test('without a key an encrypted one is refused, whatever its header names', () =>
  withPair({}, async (pair) => {
    const signed = await logoutToken(pair);
    for (const header of [{}, { kid: undefined }, { iss: pair.op.issuer }])
      expect((await post(pair.app, await encryptFor(rsa, signed, header))).status).toBe(400);
    const reason = expect.stringMatching(/^the logout token is encrypted: set OIDC_DECRYPTION_KEY_FILE, or /);
    const told = { reason, iss: pair.op.issuer };
    expect(pair.app.events('logout_token.refused')).toMatchObject([told, told, told]);
  }));

interface Refused {
  name: string;
  token: (pair: Pair) => Promise<string>;
  reason: RegExp;
  uses?: number;
}

const inside = (name: string, signed: Signed, reason: RegExp): Refused => ({
  name: `inside: ${name}`,
  token: async (pair) => encryptFor(rsa, await logoutToken(pair, signed)),
  reason,
  uses: 1,
});
const byHand = (
  name: string,
  header: Record<string, unknown>,
  reason: RegExp,
  how?: Parameters<typeof encryptByHand>[3],
): Refused => ({
  name,
  token: async (pair) => encryptByHand(rsa, await logoutToken(pair), header, how),
  reason,
  uses: 0,
});
const broken = (name: string, part: (parts: string[]) => string[], reason: RegExp, uses = 0): Refused => ({
  ...byHand(name, {}, reason, { oaepHash: 'sha256', part }),
  uses,
});
const now = Math.floor(Date.now() / 1000);
const wrongWay =
  /^the logout token is encrypted by .+ with .+: have the provider use RSA-OAEP-256 or ECDH-ES/;

const liars: Refused[] = [
  byHand('RSA1_5', { alg: 'RSA1_5' }, wrongWay, { oaepHash: undefined }),
  byHand('RSA-OAEP with SHA-1', { alg: 'RSA-OAEP' }, wrongWay, { oaepHash: 'sha1' }),
  byHand(
    'PBES2 with much work',
    { alg: 'PBES2-HS256+A128KW', p2c: 2 ** 31 - 1, p2s: 'AAAAAAAAAAAA' },
    wrongWay,
  ),
  byHand('dir', { alg: 'dir' }, wrongWay),
  byHand('A192GCM', { enc: 'A192GCM' }, wrongWay),
  byHand('an alg that no text can be made of', { alg: { toString: 1, valueOf: 1 } }, wrongWay),
  byHand('zip', { zip: 'DEF' }, /^the logout token is compressed \(zip\)/),
  byHand('crit', { crit: ['exp'], exp: 4e9 }, /^the logout token demands an extension \(crit\)/),
  byHand('a long header', { more: 'x'.repeat(4_000) }, /a header of more than 4000 characters$/),
  broken(
    'a wrong tag',
    ([a = '', b = '', c = '', d = '']) => [a, b, c, d, encode('x'.repeat(16))],
    /no key .* opens/,
    1,
  ),
  broken(
    'no IV',
    ([a = '', b = '', , d = '', e = '']) => [a, b, '', d, e],
    /not encrypted as RFC 7516 says/,
    1,
  ),
  broken('five empty parts', () => ['', '', '', '', ''], wrongWay),
  broken('six parts', (parts) => [...parts, 'AA'], /Invalid Compact JWS/),
  {
    name: "another's key under the id of ours",
    token: async (pair) => encryptByHand(strangers, await logoutToken(pair), { kid: rsa.kid }),
    reason: /^no key of OIDC_DECRYPTION_KEY_FILE opens the logout token \(its kid has the id of a key\)/,
    uses: 1,
  },
  {
    name: "another's key under its own id: each of ours is tried",
    token: async (pair) => encryptByHand(strangers, await logoutToken(pair)),
    reason: /^no key of OIDC_DECRYPTION_KEY_FILE opens the logout token \(its kid names another key\)/,
    uses: 2,
  },
  {
    name: 'for a key that we do not have',
    token: async (pair) => encryptFor(ec, await logoutToken(pair)),
    reason: /encrypted by ECDH-ES for a P-256 key, and no key of OIDC_DECRYPTION_KEY_FILE is of that kind/,
    uses: 0,
  },
  {
    name: 'inside: plain claims',
    token: async (pair) =>
      encryptFor(rsa, Buffer.from((await logoutToken(pair)).split('.')[1] ?? '', 'base64url').toString()),
    reason: /^the logout token is encrypted but not signed/,
    uses: 1,
  },
  {
    name: 'inside: encrypted again',
    token: async (pair) => encryptFor(rsa, await encryptFor(rsa, await logoutToken(pair))),
    reason: /^the logout token is encrypted twice/,
    uses: 1,
  },
  {
    name: 'inside: HS256 by the public encryption key',
    token: async (pair) => {
      const pem = String(rsa.publicKey.export({ type: 'spki', format: 'pem' }));
      return encryptFor(rsa, resign(await logoutToken(pair), { alg: 'HS256', typ: 'logout+jwt' }, pem));
    },
    reason: /"alg"/,
    uses: 1,
  },
  inside('alg none', { signing: 'none' }, /"alg"|Invalid/),
  inside('HS256 by the public key', { signing: 'HS256-public-key' }, /"alg"/),
  inside('HS256 by the client secret', { signing: 'HS256-secret' }, /"alg"/),
  inside('another algorithm', { signing: 'PS256' }, /"alg"/),
  inside("somebody else's signature", { signing: 'unpublished-key' }, /signature/),
  inside('a broken signature', { signing: 'broken' }, /signature/),
  inside('a wrong iss', { claims: { iss: 'https://other.example.com' } }, /"iss"/),
  inside('a wrong aud', { claims: { aud: 'another' } }, /"aud"/),
  inside('an exp that has passed', { claims: { exp: now - 100 } }, /"exp"/),
  inside('no exp and an old iat', { claims: { exp: undefined, iat: now - 170 } }, /two minutes/),
  inside('no event', { claims: { events: {} } }, /event/),
  inside('a nonce', { claims: { nonce: 'a' } }, /nonce/),
  inside('neither sub nor sid', { claims: { sub: undefined } }, /neither sub nor sid/),
  inside('no jti', { claims: { jti: undefined } }, /"jti"/),
  inside('the typ of another token', { header: { typ: 'secevent+jwt' } }, /typ/),
  inside('an access token', { header: { typ: 'at+jwt' }, claims: { client_id: 'a' } }, /access token/),
];

test.each(liars)('refused with 400 is one with $name', async ({ token, reason, uses }) => {
  await withKeys(
    async (pair) => {
      const { app, op } = pair;
      await expectHonestSignIn(pair);
      const sent = await token(pair);
      const count = await countUses(async () => {
        const answer = await post(app, sent);
        expect([answer.status, await answer.json()]).toEqual([400, { error: 'invalid_request' }]);
        expect(answer.headers.get('cache-control')).toBe('no-store');
      });
      const events = app.events('logout_token.refused');
      expect(events).toMatchObject([
        { reason: expect.stringMatching(reason), iss: op.issuer, channel: 'back' },
      ]);
      expect(count).toBe(uses);
      expect(await isSignedIn(pair)).toBe(true);
      expectNothingLogged(app, sent.split('.'));
      // An honest one works, and at once.
      expect((await post(app, await encryptFor(rsa, await logoutToken(pair)))).status).toBe(200);
      expect(await isSignedIn(pair)).toBe(false);
    },
    rsa,
    rsaToo,
  );
});

test('two encrypted tokens at once are refused before either is opened', () =>
  withKeys(async ({ app, ...pair }) => {
    const token = await encryptFor(rsa, await logoutToken({ app, ...pair }));
    const uses = await countUses(async () => expect((await post(app, token, token)).status).toBe(400));
    expect(uses).toBe(0);
    expect(app.events('logout_token.refused')).toMatchObject([
      { reason: expect.stringMatching('^2 logout_token') },
    ]);
  }, rsa));

test('of many encrypted tokens at once, one is opened at a time; an honest one among them ends its session', () =>
  withKeys(
    async (pair) => {
      await expectHonestSignIn(pair);
      const garbage = await Promise.all(
        Array.from({ length: 20 }, () => encryptFor(strangers, 'a.b.c', { kid: undefined })),
      );
      const honest = await encryptFor(rsa, await logoutToken(pair));
      const decrypt = crypto.subtle.decrypt.bind(crypto.subtle);
      let [now, most] = [0, 0];
      const spy = vi.spyOn(crypto.subtle, 'decrypt').mockImplementation(async (...given) => {
        now += 1;
        most = Math.max(most, now);
        return decrypt(...given).finally(() => {
          now -= 1;
        });
      });
      try {
        const answers = await Promise.all([...garbage, honest].map((token) => post(pair.app, token)));
        expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(400), 200]);
      } finally {
        spy.mockRestore();
      }
      expect(most).toBe(1);
      expect(await isSignedIn(pair)).toBe(false);
    },
    rsa,
    rsaToo,
  ));

describe('where an app has two providers', () => {
  let two: TwoLiars;
  let keyOfWork: EncryptionKey;
  let keyOfSocial: EncryptionKey;
  beforeAll(async () => {
    [keyOfWork, keyOfSocial] = [await encryptionKey('RSA', 'work'), await encryptionKey('RSA', 'social')];
    const file = (key: EncryptionKey) => ({ DECRYPTION_KEY_FILE: folder.files(key) });
    two = await startTwoLiars({
      env: { ...settingsOf('work', file(keyOfWork)), ...settingsOf('social', file(keyOfSocial)) },
    });
  });
  afterAll(() => two?.stop());

  const signedBy = (name: 'work' | 'social', iss = name) => logoutTokenOf(two, { keys: name, iss });
  async function refusals(token: string): Promise<unknown[]> {
    const before = two.app.events('logout_token.refused').length;
    const { status } = await post(two.app, token);
    const events = two.app.events('logout_token.refused').slice(before);
    expect(status).toBe(events.length > 0 ? 400 : 200);
    return events.map(({ reason, iss }) => ({ reason, iss }));
  }

  test.each<[string, () => Record<string, unknown>]>([
    ['its key by id', () => ({ kid: keyOfSocial.kid })],
    ['its issuer', () => ({ kid: undefined, iss: two.social.issuer })],
    ['its issuer and an unknown key', () => ({ kid: 'of-nobody', iss: two.social.issuer })],
    ['its key, and an issuer that nobody knows', () => ({ iss: 'https://other.example.com' })],
    ['its key, and an issuer that is not a string', () => ({ iss: { toString: 1 } })],
  ])(
    'a token whose header names %s ends the sessions of its provider, and no others',
    async (_what, header) => {
      const [atWork, atSocial] = [await two.signIn('work'), await two.signIn('social')];
      expect(await refusals(await encryptFor(keyOfSocial, await signedBy('social'), header()))).toEqual([]);
      const status = async ({ browser }: typeof atWork) =>
        (await two.open(browser, '/profile', { follow: false })).status;
      expect(await status(atWork)).toBe(200);
      expect(await status(atSocial)).not.toBe(200);
    },
  );

  test.each<[string, Record<string, unknown>]>([
    ['neither issuer nor key', { kid: undefined }],
    ['a key that nobody has', { kid: 'of-nobody' }],
    ['an issuer that nobody knows', { kid: undefined, iss: 'https://other.example.com' }],
    ['a kid that is not a string', { kid: { toString: 1 } }],
  ])('a token whose header names %s is refused without a try', async (_what, header) => {
    const token = encryptByHand(keyOfSocial, await signedBy('social'), header);
    let told: unknown[] = [];
    const uses = await countUses(async () => {
      told = await refusals(token);
    });
    expect(uses).toBe(0);
    expect(told).toEqual([
      { reason: expect.stringMatching(/^it is encrypted, and .*"iss".*"kid"/), iss: undefined },
    ]);
  });

  test('one that is encrypted for a provider and is from the other is refused', async () => {
    const { browser } = await two.signIn('social');
    const signed = await signedBy('social');
    for (const header of [{}, { iss: two.work.issuer }, { kid: undefined, iss: two.work.issuer }])
      expect(await refusals(await encryptFor(keyOfWork, signed, header))).toEqual([
        { reason: 'it was encrypted for another provider', iss: two.social.issuer },
      ]);
    expect((await two.open(browser, '/profile', { follow: false })).status).toBe(200);
    // Nor does it help to sign in the name of the other.
    const forged = await signedBy('social', 'work');
    expect(await refusals(await encryptFor(keyOfWork, forged))).toMatchObject([{ iss: two.work.issuer }]);
  });

  test('one whose header names a provider that has not its key is refused, and the log says whose it is', async () => {
    const token = encryptByHand(keyOfSocial, await signedBy('social'), { iss: two.work.issuer });
    expect(await refusals(token)).toEqual([
      { reason: expect.stringMatching(/^no key of OIDC_DECRYPTION_KEY_FILE opens/), iss: two.work.issuer },
    ]);
  });

  test('one that is signed only is still taken from both', async () => {
    expect(await refusals(await signedBy('work'))).toEqual([]);
    expect(await refusals(await signedBy('social'))).toEqual([]);
  });

  test('where one of them has keys, a token that names nothing is for it', async () => {
    await two.restart({ OIDC_WORK_DECRYPTION_KEY_FILE: undefined });
    const nothing = { kid: undefined };
    expect(await refusals(await encryptFor(keyOfSocial, await signedBy('social'), nothing))).toEqual([]);
    const other = await encryptFor(keyOfSocial, await signedBy('work'), nothing);
    expect(await refusals(other)).toMatchObject([{ reason: 'it was encrypted for another provider' }]);
    const named = await encryptFor(keyOfWork, await signedBy('work'), { iss: two.work.issuer });
    expect(await refusals(named)).toMatchObject([
      {
        reason: expect.stringMatching(/^the logout token is encrypted: set OIDC_DECRYPTION_KEY_FILE/),
        iss: two.work.issuer,
      },
    ]);
  });
});

test('with twenty providers that have two keys each, no token has more than two keys tried', async () => {
  const all = await Promise.all(
    Array.from({ length: 20 }, async (_, number) => {
      const keys = [await encryptionKey('P-256', `${number} a`), await encryptionKey('P-256', `${number} b`)];
      const pems = keys.map(({ privateKey }) => ({
        pem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      }));
      return { issuer: `https://op-${number}.example.com`, keys, decryption: new Decryption(pems) };
    }),
  );
  const ofIssuer = (iss: string) => all.find(({ issuer }) => issuer === iss);
  const providers = { all, only: undefined, ofIssuer } as unknown as Providers;
  const [stranger, last] = [await encryptionKey('P-256', 'of nobody'), all[19]];
  const cases: [Record<string, unknown>, number][] = [
    [{}, 0],
    [{ kid: 'made-up' }, 0],
    [{ kid: undefined, iss: 'https://made-up.example.com' }, 0],
    [{ kid: last?.keys[0]?.kid }, 1],
    [{ kid: 'made-up', iss: last?.issuer }, 2],
    [{ kid: undefined, iss: last?.issuer }, 2],
    [{ kid: all[3]?.keys[0]?.kid, iss: last?.issuer }, 2],
  ];
  for (const [header, most] of cases) {
    const uses = await countUses(async (uncounted) => {
      const token = await uncounted(() => encryptFor(stranger, 'a.b.c', header));
      await expect(openLogoutToken(token, providers)).rejects.toThrow();
    });
    expect(uses, JSON.stringify(header)).toBe(most);
  }
});
