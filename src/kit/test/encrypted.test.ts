import type { KeyObject } from 'node:crypto';
import { compactDecrypt, decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, expect, test } from 'vitest';
import { recheck } from '../session/by-owner.ts';
import {
  countUses,
  type EncryptionKey,
  encryptionKey,
  type Kind,
  keyFolder,
  kinds,
} from './helpers/encrypted-tokens.ts';
import { clientId } from './helpers/identity-provider.ts';
import { statusOf } from './helpers/instances.ts';
import { headingOf, type Pair } from './helpers/pair.ts';
import { expectWholeLife, warningsOf, withPairOf } from './helpers/whole-life.ts';

// Encrypted ID tokens, userinfo and logout tokens of a real provider, which encrypts what its client is registered for.

/** Userinfo as a JWT, which alone says what somebody is called. */
const overrides = { conformIdTokenClaims: true };

const folder = keyFolder();
afterAll(folder.remove);

const encs = ['A128GCM', 'A256GCM', 'A128CBC-HS256'] as const;
type Enc = (typeof encs)[number];

/** What the app is registered with. */
const encrypted = (enc: Enc, ...keys: EncryptionKey[]) => ({
  id_token_encrypted_response_alg: keys[0]?.alg ?? '',
  id_token_encrypted_response_enc: enc,
  userinfo_signed_response_alg: 'RS256',
  userinfo_encrypted_response_alg: keys[0]?.alg ?? '',
  userinfo_encrypted_response_enc: enc,
  jwks: { keys: keys.map(({ jwk }) => jwk) },
});

/** The ID tokens that the provider hands out, as it sends them. */
function watchIdTokens({ provider }: Pair): string[] {
  const issued: string[] = [];
  provider.provider.on('grant.success', ({ body }: { body: { id_token?: string } }) => {
    if (body.id_token) issued.push(body.id_token);
  });
  return issued;
}

async function innerOf(token: string, { privateKey }: EncryptionKey): Promise<string> {
  expect(token.split('.')).toHaveLength(5);
  return Buffer.from((await compactDecrypt(token, privateKey)).plaintext).toString();
}

async function withEncryption(
  key: EncryptionKey,
  enc: Enc,
  use: (pair: Pair) => Promise<void>,
  file = folder.files(key),
) {
  await withPairOf({ overrides, client: encrypted(enc, key), env: { OIDC_DECRYPTION_KEY_FILE: file } }, use);
}

const lives: [Kind, Enc][] = [
  ['RSA', 'A256GCM'],
  ['RSA', 'A128CBC-HS256'],
  ['P-256', 'A128GCM'],
  ['P-384', 'A128CBC-HS256'],
  ['P-521', 'A256GCM'],
  ['X25519', 'A128CBC-HS256'],
];
test.each(lives)(
  'with a key of kind %s and %s a session has its whole life',
  { timeout: 60_000 },
  async (kind, enc) => {
    const key = await encryptionKey(kind);
    await withEncryption(key, enc, async (pair) => {
      const { app, provider } = pair;
      const issued = watchIdTokens(pair);
      await expectWholeLife(pair);
      // At the sign-in and at the refresh.
      expect(issued.length).toBeGreaterThanOrEqual(2);

      // A recheck asks for new tokens and userinfo.
      const { browser } = await pair.signIn('alice');
      const before = provider.requests.length;
      expect(await recheck({ iss: provider.issuer, sub: 'alice' })).toBe(1);
      expect((await browser.get(app.url('/profile'))).status).toBe(200);
      expect(provider.requests.slice(before)).toEqual(['POST /token', 'GET /me']);

      const answer = await provider.sendLogoutToken(clientId, { sub: 'alice' });
      expect(answer).toEqual({ client_id: clientId, status: 200 });
      expect(warningsOf(app)).toBe('[]');
      expect(await statusOf(browser, app)).toBe(401);

      // The newest ID token is the hint: the signed one inside, exactly as the provider signed it.
      const { page, browser: another } = await pair.signIn('alice');
      await another.get(app.url('/token'));
      const left = await another.submit(page, {}, { follow: false });
      const hint = new URL(left.location ?? '').searchParams.get('id_token_hint') ?? '';
      expect(hint).toBe(await innerOf(issued.at(-1) ?? '', key));
      expect(decodeJwt(hint)).toMatchObject({ iss: provider.issuer, aud: clientId, sub: 'alice' });
    });
  },
);

const others = encs
  .flatMap((enc) => kinds.map((kind) => [kind, enc] as const))
  .filter(([kind, enc]) => !lives.some((life) => life[0] === kind && life[1] === enc));
test.each(others)('a key of kind %s opens what is encrypted with %s', async (kind, enc) => {
  await withEncryption(await encryptionKey(kind), enc, expectSignIn);
});

async function expectSignIn(pair: Pair): Promise<void> {
  const { page } = await pair.signIn('alice');
  expect([page.status, page.url], warningsOf(pair.app)).toEqual([200, pair.app.url('/profile')]);
}

const forms: [string, Kind, (key: KeyObject) => string][] = [
  ['PEM, PKCS #8', 'X25519', (key) => String(key.export({ type: 'pkcs8', format: 'pem' }))],
  ['PEM, PKCS #1', 'RSA', (key) => String(key.export({ type: 'pkcs1', format: 'pem' }))],
  ['PEM, SEC 1', 'P-521', (key) => String(key.export({ type: 'sec1', format: 'pem' }))],
  ...kinds.map((kind): (typeof forms)[number] => [
    'JWK',
    kind,
    (key) => JSON.stringify(key.export({ format: 'jwk' })),
  ]),
];
test.each(forms)('a key file may be %s (%s)', async (_form, kind, write) => {
  const key = await encryptionKey(kind);
  const file = folder.write('form', write(key.privateKey));
  await withEncryption(key, 'A256GCM', expectSignIn, file);
});

test('the id of a JWK counts, whatever it is', async () => {
  const key = await encryptionKey('RSA');
  const jwk = { ...key.privateKey.export({ format: 'jwk' }), kid: 'of-our-own', use: 'enc', alg: key.alg };
  const named = { ...key, jwk: { ...key.jwk, kid: 'of-our-own' } };
  const files = [folder.files(await encryptionKey('RSA', 'other')), folder.write('jwk', JSON.stringify(jwk))];
  await withEncryption(
    named,
    'A256GCM',
    async (pair) => {
      const issued = watchIdTokens(pair);
      const uses = await countUses(() => expectSignIn(pair));
      expect(decodeProtectedHeader(issued[0] ?? '').kid).toBe('of-our-own');
      // The right key at once: for the ID token and for userinfo.
      expect(uses).toBe(2);
    },
    files.join(','),
  );
});

test.each([
  ['the old one first', (old: string, fresh: string) => `${old},${fresh}`],
  ['the new one first', (old: string, fresh: string) => `${fresh}, ${old}`],
])('with two keys the provider may change to the new one at any time: %s', async (_order, list) => {
  const [old, fresh] = [await encryptionKey('RSA'), await encryptionKey('P-256')];
  const file = list(folder.files(old), folder.files(fresh));
  await withEncryption(
    old,
    'A256GCM',
    async (pair) => {
      const { app, provider } = pair;
      const issued = watchIdTokens(pair);
      const { browser } = await pair.signIn('alice');
      provider.registerApp(app.origin, encrypted('A128GCM', fresh));
      // Who is signed in stays so, and is known by the new key from here on.
      expect((await browser.get(app.url('/token'))).status).toBe(200);
      await expectSignIn(pair);
      expect(issued.map((token) => decodeProtectedHeader(token).kid)).toEqual([
        old.kid,
        fresh.kid,
        fresh.kid,
      ]);
      expect(await provider.sendLogoutToken(clientId, { sub: 'alice' })).toMatchObject({ status: 200 });
      expect(warningsOf(app)).toBe('[]');
      expect(await statusOf(browser, app)).toBe(401);
    },
    file,
  );
});

test('what comes without encryption is taken with a key, too, and the log says so once', async () => {
  const env = { OIDC_DECRYPTION_KEY_FILE: folder.files(await encryptionKey('RSA')) };
  await withPairOf({ overrides, env }, async (pair) => {
    await expectWholeLife(pair);
    const { browser } = await pair.signIn('alice');
    const comes = (what: string) => `OIDC_DECRYPTION_KEY_FILE is set, and ${what} comes unencrypted`;
    for (const what of ['the ID token', 'userinfo'])
      expect(pair.app.lines.filter(({ msg }) => msg === comes(what))).toHaveLength(1);
    expect(await pair.provider.sendLogoutToken(clientId, { sub: 'alice' })).toMatchObject({ status: 200 });
    expect(await statusOf(browser, pair.app)).toBe(401);
  });
});

test.each([
  ['an ID token', 'id_token_encrypted', 'the ID token', {}],
  [
    'userinfo',
    'userinfo_encrypted',
    'userinfo',
    { id_token_encrypted_response_alg: undefined, id_token_encrypted_response_enc: undefined },
  ],
])(
  'without a key %s that is encrypted is refused, and the hint names the setting',
  async (_what, reason, what, changes) => {
    const client = { ...encrypted('A256GCM', await encryptionKey('RSA')), ...changes };
    await withPairOf({ overrides, client }, async ({ app, provider, signIn }) => {
      const { page, browser } = await signIn('alice');
      expect([page.status, headingOf(page)]).toEqual([502, "We couldn't read your details"]);
      const hint = expect.stringMatching(`^${what} is encrypted: set OIDC_DECRYPTION_KEY_FILE, or `);
      expect(app.events('sign_in.failed')).toMatchObject([{ reason, hint }]);
      expect(browser.cookie('session')).toBeUndefined();

      provider.registerApp(app.origin, {
        ...client,
        id_token_encrypted_response_alg: undefined,
        id_token_encrypted_response_enc: undefined,
        userinfo_encrypted_response_alg: undefined,
        userinfo_encrypted_response_enc: undefined,
      });
      expect((await signIn('alice')).page.status).toBe(200);
    });
  },
);

test('without a key an encrypted logout token is refused, and the hint names the setting', async () => {
  const client = { ...encrypted('A256GCM', await encryptionKey('RSA')) };
  await withPairOf({ overrides, client }, async ({ app, provider }) => {
    const answer = await provider.sendLogoutToken(clientId, { sub: 'alice' });
    expect(answer).toMatchObject({ status: 400 });
    const reason = expect.stringMatching(/^the logout token is encrypted: set OIDC_DECRYPTION_KEY_FILE/);
    expect(app.events('logout_token.refused')).toMatchObject([{ reason, iss: provider.issuer }]);
  });
});
