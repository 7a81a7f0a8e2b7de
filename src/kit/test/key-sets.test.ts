import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { usableKeys } from '../provider/key-set.ts';
import { publicJwk, publishedKeys } from './helpers/misbehaving-keys.ts';
import { expectHonestSignIn, expectPlainFailure, reasons, withPair } from './helpers/misbehaving-sign-in.ts';

// A key set is read for the keys that can be used; what else is in it does no harm (RFC 7517 §5). Sets that cannot be
// used at all stand in misbehaving-provider.test.ts.

type Jwk = Record<string, unknown>;

/** The keys that the provider signs with, the RSA one first; and keys that it does not sign with. */
const good = async () => (await publishedKeys({ turn: 1 })).map(publicJwk) as [Jwk, ...Jwk[]];
const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }) as Jwk;
const ec = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' }) as Jwk;

const named = 'rsa-1';
const others: [string, unknown][] = [
  ['null', null],
  ['a number', 5],
  ['a text', 'a key'],
  ['a list', [['kty', 'RSA']]],
  ['an entry without kty', { kid: named, use: 'sig' }],
  ['an entry whose kty is a number', { kty: 5, kid: named }],
  ['a kind of key that nobody knows', { kty: 'LATTICE', kid: named, m: 'AQAB' }],
  ['a symmetric key', { kty: 'oct', kid: named, k: 'c2VjcmV0' }],
  ['a curve that nobody knows', { kty: 'EC', crv: 'P-999', kid: named, x: 'AQAB', y: 'AQAB' }],
  ['a key of another kind by the same name', { ...ec('P-256'), kid: named }],
  ['a key for encryption by the same name', { ...rsa(2048), kid: named, use: 'enc' }],
  ['a key for another algorithm by the same name', { ...rsa(2048), kid: named, alg: 'PS512' }],
  ['a key for encryption by its algorithm', { ...rsa(2048), kid: named, alg: 'RSA-OAEP' }],
  ['a key that only signs by the same name', { ...rsa(2048), kid: named, key_ops: ['sign'] }],
  ['a key whose key_ops are no list', { ...rsa(2048), kid: named, key_ops: 'verify' }],
  ['a damaged key by the same name', { kty: 'RSA', kid: named, n: 'AQAB', e: 'x' }],
  ['a key without its modulus', { kty: 'RSA', kid: named, e: 'AQAB' }],
  ['a key with a list as modulus', { kty: 'RSA', kid: named, n: ['AQAB'], e: 'AQAB' }],
  ['a key that is too weak by the same name', { ...rsa(1024), kid: named }],
  ['a key of 32768 bits by the same name', { ...rsa(2048), kid: named, n: 'z'.repeat(5_500) }],
  ['an exponent without end by the same name', { ...rsa(2048), kid: named, e: 'z'.repeat(300) }],
  ['a key whose name is a number', { ...rsa(2048), kid: 5 }],
];

describe.concurrent('the good keys of a set verify', () => {
  for (const [what, entry] of others) {
    test(`beside ${what}`, async () => {
      const keys = [entry, ...(await good()), entry];
      await withPair({ lies: { jwks: { json: { keys } } } }, expectHonestSignIn);
    });
  }

  const twice: [string, (key: Jwk) => Jwk[]][] = [
    ['the same', (key) => [key, key]],
    ['once with its algorithm', (key) => [key, { ...key, alg: 'RS256' }]],
    ['once without its use', (key) => [key, { ...key, use: undefined }]],
    ['once with members that nobody knows', (key) => [key, { ...key, x5t: 'abc', exp: 5 }]],
    ['once without a name', (key) => [{ ...key, kid: undefined }, key]],
    ['once with null for what it leaves out', (key) => [key, { ...key, alg: null, key_ops: null }]],
  ];
  for (const [how, entries] of twice) {
    test(`that are listed twice, ${how}`, async () => {
      const keys = (await good()).flatMap(entries);
      await withPair({ lies: { jwks: { json: { keys } } } }, expectHonestSignIn);
    });

    test(`that are listed twice, ${how}, and the token names none`, async () => {
      const keys = entries((await good())[0]);
      await withPair({ op: { noKid: true }, lies: { jwks: { json: { keys } } } }, expectHonestSignIn);
    });
  }
});

describe.concurrent('two different keys that fit', () => {
  test('are refused where the token names none', () =>
    withPair({ op: { noKid: true } }, async ({ app, open }) => {
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual(['id_token_signature']);
    }));

  test('are refused where both have the name that it gives', async () => {
    const [key] = await good();
    const keys = [{ ...rsa(2048), kid: named }, key];
    await withPair({ lies: { jwks: { json: { keys } } } }, async ({ app, open }) => {
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual(['id_token_signature']);
    });
  });
});

test('a set without a key for the algorithm signs nobody in, and the log names both', async () => {
  const [, , , ed] = await good();
  await withPair({ lies: { jwks: { json: { keys: [ed] } } } }, async ({ app, open }) => {
    expectPlainFailure(await open('/profile'), app);
    const hint = expect.stringMatching(/key "rsa-1", .*no usable key of that name for RS256/);
    expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'id_token_signature', hint }]);
  });
});

describe('a key set', () => {
  test.each([undefined, null, 5, 'keys', [], {}, { keys: null }, { keys: {} }, { keys: 'none' }])(
    'is none where it is %j',
    (body) => expect(() => usableKeys(body, 'RS256')).toThrow('has no key set'),
  );

  test('of more than a hundred entries is refused before one is looked at', () => {
    let looks = 0;
    const entry = () =>
      Object.defineProperty({}, 'kty', {
        get() {
          looks += 1;
          return 'oct';
        },
      });
    expect(() => usableKeys({ keys: Array.from({ length: 101 }, entry) }, 'RS256')).toThrow('more than 100');
    expect(looks).toBe(0);
    expect(usableKeys({ keys: Array.from({ length: 100 }, entry) }, 'RS256')).toEqual({ keys: [] });
  });

  test.each([
    ['RS256', 2],
    ['PS512', 2],
    ['ES256', 1],
    ['EdDSA', 1],
    ['Ed25519', 1],
    ['ES384', 0],
  ])('is read for the keys of %s', async (alg, count) => {
    const { keys } = usableKeys({ keys: await good() }, alg);
    expect(keys).toHaveLength(count);
  });

  test.each(['EdDSA', 'Ed25519'])('names the algorithm of Ed25519 in either way: %s', async (alg) => {
    const [, , , ed] = await good();
    expect(usableKeys({ keys: [{ ...ed, alg }] }, 'EdDSA').keys).toHaveLength(1);
    expect(usableKeys({ keys: [{ ...ed, alg }] }, 'Ed25519').keys).toHaveLength(1);
  });

  test('hands on the public key alone', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = privateKey.export({ format: 'jwk' });
    const [key] = usableKeys({ keys: [{ ...jwk, kid: 'a', x5u: 'https://x' }] }, 'RS256').keys;
    expect(Object.keys(key ?? {}).sort()).toEqual(['e', 'kid', 'kty', 'n']);
  });
});
