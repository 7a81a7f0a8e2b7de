import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SignInFailure } from '../errors/reasons.ts';
import { Decryption, DecryptionError } from '../provider/decryption.ts';
import {
  countUses,
  type EncryptionKey,
  encode,
  encryptByHand,
  encryptFor,
  encryptionKey,
  expectNothingLogged,
  keyFolder,
  withHeader,
} from './helpers/encrypted-tokens.ts';
import { resign } from './helpers/logout-tokens.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import {
  expectHonestSignIn,
  expectPlainFailure,
  type Pair,
  reasons,
  withPair,
} from './helpers/misbehaving-sign-in.ts';

// A provider that encrypts ID tokens in ways that must be refused (RFC 7516, RFC 8725), or that has something inside
// which would be refused without encryption, too.

const folder = keyFolder();
afterAll(folder.remove);

let rsa: EncryptionKey;
let rsaToo: EncryptionKey;
let ec: EncryptionKey;
let strangers: EncryptionKey;
let otherCurve: EncryptionKey;
beforeAll(async () => {
  [rsa, rsaToo, ec, strangers, otherCurve] = await Promise.all([
    encryptionKey('RSA'),
    encryptionKey('RSA', 'too'),
    encryptionKey('P-256'),
    encryptionKey('RSA', 'of somebody else'),
    encryptionKey('P-384'),
  ]);
});

interface Liar {
  name: string;
  /** What the provider makes of the signed ID token. */
  token: (signed: string) => Promise<string> | string;
  hint?: RegExp;
  reason?: SignInFailure;
  /** What is inside that is wrong. */
  lies?: Lies;
  /** The keys of the app; one for RSA and one for ECDH-ES. */
  keys?: () => EncryptionKey[];
  /** How often a private key may be used. */
  uses?: number;
  /** Why a refresh fails by it. */
  refresh?: string;
}

/** Refused at a sign-in and at a refresh, and what comes next works. */
async function expectTokenRefused(liar: Liar): Promise<void> {
  const { token, hint, reason = 'id_token_encrypted', lies = {}, uses, refresh = 'sign_in_again' } = liar;
  const env = { OIDC_DECRYPTION_KEY_FILE: folder.files(...(liar.keys?.() ?? [rsa, ec])) };
  await withPair({ env }, async (pair) => {
    const { op, app, browser, open } = pair;
    const inPlay: string[] = [];
    const lie = (signed: string) => {
      inPlay.push(...signed.split('.').slice(1));
      return token(signed);
    };
    const seen = async (signed: string) => {
      const sent = await lie(signed);
      inPlay.push(...sent.split('.'));
      return sent;
    };

    op.next(lies);
    const count = await countUses(async (uncounted) => {
      sends(op, (signed) => uncounted(() => seen(signed)));
      const page = await open('/profile?tab=1');
      expectPlainFailure(page, app);
      expect(page.status).toBe(502);
    });
    if (uses !== undefined) expect(count).toBe(uses);
    expect(app.events('sign_in.failed')).toMatchObject([
      { reason, ...(hint && { hint: expect.stringMatching(hint) }) },
    ]);
    expect(browser.cookie('session')).toBeUndefined();

    // The next one, which is encrypted as it should be, works. Its tokens end soon.
    op.honest();
    op.next({ token: { json: { expires_in: 1 } } });
    sends(op, (signed) => encryptFor(rsa, signed));
    if (!liar.keys) await expectHonestSignIn(pair);
    else await expectHonestWith(pair, liar.keys()[0] as EncryptionKey);

    op.nextRefresh({ idToken: { nonce: undefined }, ...lies });
    sends(op, (signed, refreshes) => (refreshes ? seen(signed) : signed));
    await open('/api-data');
    expect(app.events('session.ended')).toHaveLength(refresh === 'session_over' ? 1 : 0);
    // The same words, after those that say it was a refresh.
    const saysWhy =
      refresh === 'sign_in_again' && hint?.source.replace(/^\^/, 'the new ID token was refused: ');
    expect(app.events('token.refresh_failed')).toMatchObject([
      { reason: refresh, ...(saysWhy && { hint: expect.stringMatching(saysWhy) }) },
    ]);
    expect(JSON.stringify(app.events('token.refreshed'))).toBe('[]');
    expectNothingLogged(app, inPlay);
  });
}

async function expectHonestWith(pair: Pair, key: EncryptionKey): Promise<void> {
  sends(pair.op, (signed) => encryptFor(key, signed));
  await expectHonestSignIn(pair);
}

/** Has the token endpoint make something of each ID token. */
function sends(op: Pair['op'], make: (signed: string, refreshes: boolean) => Promise<string> | string): void {
  op.takeOver('token', async (honest, params) => {
    const { id_token } = honest.json ?? {};
    if (typeof id_token !== 'string') return honest;
    const refreshes = params.get('grant_type') === 'refresh_token';
    return { ...honest, json: { ...honest.json, id_token: await make(id_token, refreshes) } };
  });
}

const secretKey = randomBytes(32);
const wrongWay =
  /^the ID token is encrypted by \S+ with \S+: have the provider use RSA-OAEP-256 or ECDH-ES with A128GCM/;
const malformed = /^the ID token is not encrypted as RFC 7516 says: /;
const notOpened = /^no key of OIDC_DECRYPTION_KEY_FILE opens the ID token/;
const ofNoKind =
  /^the ID token is encrypted by ECDH-ES for a \S+ key, and no key of OIDC_DECRYPTION_KEY_FILE is of that kind/;
const parts = (change: (parts: string[]) => string[]) => (signed: string) =>
  encryptByHand(rsa, signed, {}, { oaepHash: 'sha256', part: change });
const at = (index: number, change: (part: string) => string) =>
  parts((all) => all.map((part, place) => (place === index ? change(part) : part)));
const flip = (part: string) => {
  const bytes = Buffer.from(part, 'base64url');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return encode(bytes);
};
const cut = (part: string) => encode(Buffer.from(part, 'base64url').subarray(0, -1));

const algorithms: Liar[] = [
  {
    name: 'RSA1_5',
    token: (signed) => encryptByHand(rsa, signed, { alg: 'RSA1_5' }, { oaepHash: undefined }),
    hint: /encrypted by RSA1_5 with A256GCM: have the provider use RSA-OAEP-256/,
    uses: 0,
  },
  {
    name: 'RSA-OAEP with SHA-1',
    token: (signed) => encryptByHand(rsa, signed, { alg: 'RSA-OAEP' }, { oaepHash: 'sha1' }),
    hint: wrongWay,
    uses: 0,
  },
  {
    name: 'PBES2 with as much work as can be named',
    token: async (signed) =>
      withHeader(
        await encryptFor({ secret: secretKey }, signed, { alg: 'PBES2-HS256+A128KW' }),
        (header) => ({ ...header, p2c: 2 ** 31 - 1 }),
      ),
    hint: wrongWay,
    uses: 0,
  },
  {
    name: 'a secret of both (dir)',
    token: (signed) => encryptFor({ secret: secretKey }, signed, { alg: 'dir' }),
    hint: wrongWay,
    uses: 0,
  },
  {
    name: 'A128KW',
    token: (signed) => encryptFor({ secret: secretKey.subarray(16) }, signed, { alg: 'A128KW' }),
    hint: wrongWay,
    uses: 0,
  },
  {
    name: 'ECDH-ES+A128KW',
    token: (signed) => encryptFor(ec, signed, { alg: 'ECDH-ES+A128KW' }),
    hint: wrongWay,
    uses: 0,
  },
  ...['A192GCM', 'A256CBC-HS512', 'A192CBC-HS384'].map((enc) => ({
    name: enc,
    token: (signed: string) => encryptFor(rsa, signed, { enc }),
    hint: wrongWay,
    uses: 0,
  })),
  {
    name: 'alg as a list of one',
    token: (signed) => encryptByHand(rsa, signed, { alg: ['RSA-OAEP-256'] }),
    hint: /encrypted by an unnamed algorithm with A256GCM/,
    uses: 0,
  },
  {
    name: 'enc as a list of one',
    token: (signed) => encryptByHand(rsa, signed, { enc: ['A256GCM'] }),
    hint: /encrypted by RSA-OAEP-256 with an unnamed algorithm/,
    uses: 0,
  },
  {
    name: 'a kid that is not a string',
    token: (signed) => encryptByHand(strangers, signed, { kid: { toString: 1, valueOf: 1 } }),
    hint: notOpened,
    uses: 1,
  },
];

const forms: Liar[] = [
  {
    name: 'zip',
    token: (signed) => encryptByHand(rsa, deflateRawSync(signed), { zip: 'DEF' }),
    hint: /^the ID token is compressed \(zip\): have the provider send it uncompressed$/,
    uses: 0,
  },
  {
    name: 'zip of null, which compresses nothing',
    token: (signed) => encryptByHand(rsa, signed, { zip: null }),
    hint: /\(zip\)/,
    uses: 0,
  },
  {
    name: 'crit',
    token: (signed) => encryptByHand(rsa, signed, { crit: ['exp'], exp: 4e9 }),
    hint: /^the ID token demands an extension \(crit\): have the provider encrypt it without one$/,
    uses: 0,
  },
  {
    name: 'crit that is empty',
    token: (signed) => encryptByHand(rsa, signed, { crit: [] }),
    hint: /\(crit\)/,
    uses: 0,
  },
  {
    name: 'a header of 100 KB',
    token: (signed) => encryptByHand(rsa, signed, { more: 'x'.repeat(100_000) }),
    hint: /^the ID token is encrypted and has a header of more than 4000 characters$/,
    uses: 0,
  },
  {
    name: 'more than 256 KB',
    token: (signed) => encryptByHand(rsa, signed + 'x'.repeat(200_000)),
    hint: /^the ID token is encrypted and longer than 256 KB$/,
    uses: 0,
  },
  {
    name: 'more than 1 MB',
    token: (signed) => encryptByHand(rsa, signed + 'x'.repeat(800_000)),
    reason: 'provider_answer',
    refresh: 'provider_unreachable',
    hint: /with more than 1048576 bytes/,
    uses: 0,
  },
  { name: 'a wrong tag', token: at(4, flip), hint: notOpened, uses: 1 },
  { name: 'a tag that is cut', token: at(4, cut), hint: malformed, uses: 1 },
  { name: 'no tag', token: at(4, () => ''), hint: malformed, uses: 1 },
  { name: 'a wrong IV', token: at(2, flip), hint: notOpened, uses: 1 },
  { name: 'an IV that is cut', token: at(2, cut), hint: malformed, uses: 1 },
  { name: 'no IV', token: at(2, () => ''), hint: malformed, uses: 1 },
  { name: 'a text that is cut', token: at(3, cut), hint: notOpened, uses: 1 },
  { name: 'no text', token: at(3, () => ''), hint: notOpened, uses: 1 },
  { name: 'another key for the text', token: at(1, flip), hint: notOpened, uses: 1 },
  { name: 'no key for the text', token: at(1, () => ''), hint: notOpened, uses: 1 },
  { name: 'a key for the text of 100 KB', token: at(1, () => 'A'.repeat(100_000)), hint: notOpened, uses: 1 },
  { name: 'a letter that is no base64url', token: at(3, (part) => `${part.slice(0, -1)}!`), hint: malformed },
  {
    name: 'another header than it was encrypted with',
    token: (signed) => withHeader(encryptByHand(rsa, signed), (header) => ({ ...header, typ: 'JWT' })),
    hint: notOpened,
    uses: 1,
  },
  { name: 'a header that is no JSON', token: at(0, () => encode('secret-header')), hint: wrongWaySpaced() },
  { name: 'a header that is a list', token: at(0, () => encode('["RSA-OAEP-256"]')), hint: wrongWaySpaced() },
  { name: 'a header of null', token: at(0, () => encode('null')), hint: wrongWaySpaced() },
  {
    name: 'a header of a thousand levels',
    token: at(0, () => encode(`{"alg":${'['.repeat(1_400)}${']'.repeat(1_400)}}`)),
    hint: wrongWaySpaced(),
  },
  { name: 'five empty parts', token: () => '....', hint: wrongWaySpaced(), uses: 0 },
  {
    name: 'six parts',
    token: parts((all) => [...all, all[4] ?? '']),
    reason: 'id_token_claims',
    hint: /JWT/,
    uses: 0,
  },
  {
    name: 'four parts',
    token: parts((all) => all.slice(1)),
    reason: 'id_token_claims',
    hint: /JWT/,
    uses: 0,
  },
];

function wrongWaySpaced(): RegExp {
  return /^the ID token is encrypted by an unnamed algorithm with an unnamed algorithm: have the provider use/;
}

const epkOf = (token: string, change: (epk: JWK) => JWK | undefined) =>
  withHeader(token, ({ epk, ...header }) => ({ ...header, epk: change(epk as JWK) }));

const keys: Liar[] = [
  {
    name: 'epk of another curve, of which there is no key',
    token: (signed) => encryptFor(otherCurve, signed),
    hint: ofNoKind,
    uses: 0,
  },
  {
    name: 'epk of another curve in place of its own',
    token: async (signed) => epkOf(await encryptFor(ec, signed), () => otherCurve.jwk),
    hint: ofNoKind,
    uses: 0,
  },
  {
    name: 'epk that is not on the curve',
    token: async (signed) => epkOf(await encryptFor(ec, signed), (epk) => ({ ...epk, y: epk.x as string })),
    hint: notOpened,
    uses: 0,
  },
  {
    name: 'epk with one coordinate',
    token: async (signed) => epkOf(await encryptFor(ec, signed), ({ y: _, ...epk }) => epk),
    hint: /ID token/,
    uses: 0,
  },
  {
    name: 'epk missing',
    token: async (signed) => epkOf(await encryptFor(ec, signed), () => undefined),
    hint: /^the ID token is encrypted by ECDH-ES and has no key of the sender \(epk\)$/,
    uses: 0,
  },
  {
    name: 'epk of null',
    token: async (signed) => epkOf(await encryptFor(ec, signed), () => null as never),
    hint: /\(epk\)/,
    uses: 0,
  },
  {
    name: 'epk with a private part',
    token: async (signed) =>
      epkOf(await encryptFor(ec, signed), () => ({ ...ec.privateKey.export({ format: 'jwk' }) }) as JWK),
    hint: malformed,
    uses: 0,
  },
  {
    name: 'epk of another key type under the name of our curve',
    token: async (signed) => epkOf(await encryptFor(ec, signed), (epk) => ({ ...epk, kty: 'OKP' })),
    hint: /ID token/,
    uses: 0,
  },
  {
    name: 'a key for the text beside an agreed one',
    token: async (signed) => {
      const [head, , ...rest] = (await encryptFor(ec, signed)).split('.');
      return [head, encode(randomBytes(32)), ...rest].join('.');
    },
    hint: malformed,
    uses: 0,
  },
  {
    name: "another's key under the id of ours",
    token: (signed) => encryptByHand(strangers, signed, { kid: rsa.kid }),
    hint: /opens the ID token \(its kid has the id of a key\): register the public keys that npm run doctor prints$/,
    uses: 1,
  },
  {
    name: "another's key under its own id",
    token: (signed) => encryptByHand(strangers, signed),
    hint: /opens the ID token \(its kid names another key\): register/,
    uses: 1,
  },
  {
    name: "another's key without an id",
    token: (signed) => encryptByHand(strangers, signed, { kid: undefined }),
    hint: /opens the ID token: register/,
    uses: 1,
  },
  {
    name: "another's key, where two of ours may fit",
    token: (signed) => encryptByHand(strangers, signed),
    keys: () => [rsa, rsaToo],
    hint: notOpened,
    uses: 2,
  },
  {
    name: "another's key under the id of one of two",
    token: (signed) => encryptByHand(strangers, signed, { kid: rsaToo.kid }),
    keys: () => [rsa, rsaToo],
    hint: notOpened,
    uses: 1,
  },
  {
    name: 'RSA, where the only keys are for ECDH-ES',
    token: (signed) => encryptByHand(strangers, signed),
    keys: () => [ec],
    hint: /^the ID token is encrypted by RSA-OAEP-256, and no key of OIDC_DECRYPTION_KEY_FILE is of that kind/,
    uses: 0,
  },
];

const claims = { sub: 'user-1', email: 'inside@example.com' };
const insides: Liar[] = [
  {
    name: 'plain claims',
    token: () => encryptFor(rsa, JSON.stringify(claims)),
    hint: /^the ID token is encrypted but not signed: have the provider sign it too$/,
  },
  {
    name: 'plain claims that have two dots',
    token: () => encryptFor(rsa, JSON.stringify({ sub: 'a.user.of-ours' })),
    hint: /encrypted but not signed/,
  },
  {
    name: 'something else in three parts',
    token: () => encryptFor(rsa, 'some secret.words are.in here'),
    hint: /encrypted but not signed/,
  },
  { name: 'nothing', token: () => encryptFor(rsa, ''), hint: /encrypted but not signed/ },
  {
    name: 'a token and a space',
    token: (signed) => encryptFor(rsa, `${signed} `),
    hint: /encrypted but not signed/,
  },
  {
    name: 'bytes that are no text',
    token: () => encryptByHand(rsa, randomBytes(300)),
    hint: /encrypted but not signed/,
  },
  {
    name: 'a token that is encrypted again',
    token: async (signed) => encryptFor(rsa, await encryptFor(rsa, signed)),
    hint: /^the ID token is encrypted twice: have the provider sign it, then encrypt it once$/,
    uses: 1,
  },
  {
    name: 'three parts that hold no JSON',
    token: () => encryptFor(rsa, [encode('some-secret-words'), encode('more-secret-words'), 'AA'].join('.')),
    reason: 'id_token_claims',
    hint: /JWT/,
  },
  {
    name: 'a token by alg none',
    token: (signed) => encryptFor(rsa, signed),
    lies: { sign: 'none' },
    reason: 'id_token_algorithm',
    hint: /^the ID token is signed with (none|HS256), and OIDC_ID_TOKEN_ALG is RS256/,
  },
  {
    name: 'HS256 by the public signing key',
    token: (signed) => encryptFor(rsa, signed),
    lies: { sign: 'HS256-public-key' },
    reason: 'id_token_algorithm',
    hint: /^the ID token is signed with (none|HS256), and OIDC_ID_TOKEN_ALG is RS256/,
  },
  {
    name: 'HS256 by the public encryption key',
    token: (signed) => {
      const pem = String(rsa.publicKey.export({ type: 'spki', format: 'pem' }));
      return encryptFor(rsa, resign(signed, { alg: 'HS256', kid: rsa.kid }, pem));
    },
    reason: 'id_token_algorithm',
    hint: /^the ID token is signed with (none|HS256), and OIDC_ID_TOKEN_ALG is RS256/,
  },
  ...(['unpublished-key', 'other-published-key', 'broken'] as const).map((sign) => ({
    name: `a signature that is not the provider's (${sign})`,
    token: (signed: string) => encryptFor(rsa, signed),
    lies: { sign },
    reason: 'id_token_signature' as const,
    hint: /signature/,
  })),
  {
    name: 'a wrong iss',
    token: (signed) => encryptFor(rsa, signed),
    lies: { idToken: { iss: 'https://other.example.com' } },
    reason: 'id_token_claims',
    hint: /iss/,
    refresh: 'session_over',
  },
  {
    name: 'a wrong aud',
    token: (signed) => encryptFor(rsa, signed),
    lies: { idToken: { aud: 'another' } },
    reason: 'id_token_claims',
    hint: /aud/,
  },
  {
    name: 'an exp that has passed',
    token: (signed) => encryptFor(rsa, signed),
    lies: { idToken: { exp: 1_700_000_000 } },
    reason: 'id_token_expired',
  },
];

describe.each([
  ['encrypted by', algorithms],
  ['encrypted with', forms],
  ['encrypted for', keys],
  ['that has inside', insides],
])('an ID token %s', (_how, liars) => {
  for (const liar of liars) test(`${liar.name} is refused`, () => expectTokenRefused(liar));
});

test('an ID token with the nonce of another sign-in inside is refused', () =>
  withPair({ env: { OIDC_DECRYPTION_KEY_FILE: folder.files(rsa) } }, async (pair) => {
    pair.op.next({ idToken: { nonce: 'of-another' } });
    sends(pair.op, (signed) => encryptFor(rsa, signed));
    expectPlainFailure(await pair.open('/profile'), pair.app);
    expect(reasons(pair.app)).toEqual(['nonce_mismatch']);
    await expectHonestSignIn(pair);
  }));

test('at a refresh, an encrypted ID token of somebody else ends the session', () =>
  withPair({ env: { OIDC_DECRYPTION_KEY_FILE: folder.files(rsa) } }, async (pair) => {
    const { op, app, open } = pair;
    sends(op, (signed) => encryptFor(rsa, signed));
    op.next({ token: { json: { expires_in: 1 } } });
    await expectHonestSignIn(pair);
    op.nextRefresh({ idToken: { sub: 'user-2' } });
    expectPlainFailure(await open('/api-data'), app);
    expect(app.events('session.ended')).toHaveLength(1);
    expect(op.calls.api).toBe(0);
  }));

test('without a kid either of two keys opens what is for it, and so it does under a kid of nobody', () =>
  withPair({ env: { OIDC_DECRYPTION_KEY_FILE: folder.files(rsa, rsaToo) } }, async (pair) => {
    for (const key of [rsa, rsaToo])
      for (const kid of [undefined, 'of-nobody', '', 7]) {
        sends(pair.op, (signed) => encryptByHand(key, signed, { kid }));
        const page = await pair.open(`/auth/login?returnTo=/profile`);
        expect([page.status, page.body.includes('Ada Example')]).toEqual([200, true]);
      }
    expect(reasons(pair.app)).toEqual([]);
  }));

test('text that would inflate to some hundred megabytes is not even decrypted', () =>
  withPair({ env: { OIDC_DECRYPTION_KEY_FILE: folder.files(rsa) } }, async (pair) => {
    const bomb = encryptByHand(rsa, deflateRawSync(Buffer.alloc(150_000_000)), { zip: 'DEF' });
    expect(bomb.length).toBeLessThan(256 * 1024);
    sends(pair.op, () => bomb);
    const uses = await countUses(async () => expectPlainFailure(await pair.open('/profile'), pair.app));
    expect([uses, reasons(pair.app)]).toEqual([0, ['id_token_encrypted']]);
    pair.op.honest();
    await expectHonestSignIn(pair);
  }));

test.each(['alg', 'enc'])(
  'nothing that a header may have as %s is an algorithm by accident',
  async (name) => {
    const decryption = new Decryption([
      { pem: String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })) },
    ]);
    const known = name === 'alg' ? 'RSA-OAEP-256' : 'A256GCM';
    const values: unknown[] = [
      ...[undefined, null, true, 7, {}, '', [known], [[known]], { toString: 1, valueOf: 1 }, { 0: known }],
      ...[
        `${known} `,
        `${known}\u0000`,
        known.toLowerCase(),
        'none',
        '__proto__',
        'constructor',
        'x'.repeat(500),
      ],
      ...['eyJhbGciOiJkaXIifQ.eyJhbGciOiJkaXIifQ', 'A128CBC-HS256,A256GCM'],
    ];
    for (const value of values) {
      const uses = await countUses(async () => {
        const opening = decryption.open(encryptByHand(rsa, 'a.b.c', { [name]: value }), 'it');
        const error = await opening.catch((thrown: unknown) => thrown);
        expect(error, JSON.stringify(value)).toBeInstanceOf(DecryptionError);
        expect((error as Error).message).toMatch(
          /^it is encrypted by .{1,25} with .{1,25}: have the provider/,
        );
        expect((error as Error).message).not.toMatch(/eyJ|x{30}|\p{Cc}/u);
      });
      expect(uses).toBe(0);
    }
  },
);
