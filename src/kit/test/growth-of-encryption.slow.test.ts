import { describe, expect, test } from 'vitest';
import { Decryption } from '../provider/decryption.ts';
import { openLogoutToken } from '../provider/logout-token.ts';
import type { Providers } from '../provider/providers.ts';
import { encode, encryptByHand, encryptFor, encryptionKey } from './helpers/encrypted-tokens.ts';
import { growth, linear } from './helpers/growth.ts';

// R23 for encrypted tokens. Whoever knows the public key, which is everybody, may encrypt a logout token.

const key = await encryptionKey('P-256');
const rsa = await encryptionKey('RSA');
const decryption = new Decryption(
  [key, rsa].map(({ privateKey }) => ({ pem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) })),
);
const size = 60_000;

/** Opens it, or refuses it; what it costs is all that counts. */
const opening = (token: string) => () => decryption.open(token, 'it').catch(() => undefined);

describe('an encrypted token costs no more than its length', () => {
  test.each(['a', '.', 'a.', '-_', '\0', 'é', '.a.b.c.d'])('with much of %j inside', async (piece) => {
    const tokens = new Map<number, string>();
    for (const length of [size, 2 * size])
      tokens.set(length, await encryptFor(key, piece.repeat(length / piece.length)));
    expect(await growth(size, (length) => opening(tokens.get(length) ?? ''))).toBeLessThan(linear);
  });

  test.each<[string, (length: number) => string]>([
    ['dots', (length) => '.'.repeat(length)],
    ['parts', (length) => 'a.'.repeat(length / 2)],
    ['a header alone', (length) => `${'A'.repeat(length)}....`],
    ['a header of many levels', (length) => `${encode('['.repeat(length))}.a.b.c.d`],
    [
      'a long key',
      (length) =>
        encryptByHand(
          rsa,
          'a.b.c',
          {},
          { oaepHash: 'sha256', part: ([a = '', , ...rest]) => [a, 'A'.repeat(length), ...rest] },
        ),
    ],
    [
      'a long IV',
      (length) =>
        encryptByHand(
          rsa,
          'a.b.c',
          {},
          { oaepHash: 'sha256', part: ([a = '', b = '', , ...rest]) => [a, b, 'A'.repeat(length), ...rest] },
        ),
    ],
    [
      'a long tag',
      (length) =>
        encryptByHand(
          rsa,
          'a.b.c',
          {},
          { oaepHash: 'sha256', part: (parts) => [...parts.slice(0, 4), 'A'.repeat(length)] },
        ),
    ],
  ])('with %s', async (_what, make) => {
    expect(await growth(size, (length) => opening(make(length)))).toBeLessThan(linear);
  });

  test.each<[string, (length: number) => object]>([
    ['names', (length) => Object.fromEntries(Array.from({ length: length / 10 }, (_, n) => [`n${n}`, n]))],
    ['epk', (length) => ({ epk: { ...key.jwk, x: 'A'.repeat(length) } })],
    ['kid', (length) => ({ kid: '_a'.repeat(length / 2) })],
    ['alg', (length) => ({ alg: 'eyJ'.repeat(length / 3) })],
  ])('with much in its header: %s', async (_what, more) => {
    // As long as a header may be.
    const prepare = (length: number) => {
      const header = { alg: 'ECDH-ES', enc: 'A256GCM', epk: key.jwk, ...more(length) };
      return opening(`${encode(JSON.stringify(header))}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA`);
    };
    expect(await growth(1_200, prepare)).toBeLessThan(linear);
  });
});

test('a logout token costs no more where there are twice as many providers', async () => {
  const providers = (number: number) => {
    const all = Array.from({ length: number }, () => ({ decryption }));
    return { all, only: undefined, ofIssuer: () => undefined } as unknown as Providers;
  };
  const token = await encryptFor(key, 'a.b.c', { kid: 'made-up' });
  const prepare = (number: number) => {
    const known = providers(number);
    return () => openLogoutToken(token, known).catch(() => undefined);
  };
  expect(await growth(20, prepare)).toBeLessThan(linear);
});
