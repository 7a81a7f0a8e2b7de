import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../config/index.ts';
import { keyFolder } from './helpers/encrypted-tokens.ts';
import { site } from './site/site.ts';

// OIDC_DECRYPTION_KEY_FILE: what a file may hold, and one clear sentence for each mistake.

const folder = keyFolder();
afterAll(folder.remove);

const base = {
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'c1ient-s3cret-value',
  SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
};
const name = 'OIDC_DECRYPTION_KEY_FILE';

const rsaOf = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const ecOf = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const [rsa, rsaToo, ec] = [rsaOf(2048), rsaOf(2048), ecOf('P-256')];
const pem = ({ privateKey }: { privateKey: KeyObject }) =>
  String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
const jwk = ({ privateKey }: { privateKey: KeyObject }, more: object = {}) =>
  JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...more });

let files = 0;
/** A file of its own for each content. */
const file = (content: string) => folder.write(`key-${++files}`, content);

/** @param more settings besides, and instead */
function problemsOf(setting: string | undefined, more: Record<string, string> = {}): readonly string[] {
  try {
    loadConfig({ ...base, [name]: setting, ...more }, site);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

const keysOf = (setting: string) =>
  loadConfig({ ...base, [name]: setting }, site).providers[0].decryptionKeys;

describe('a file may hold', () => {
  test.each<[string, () => string]>([
    ['an RSA key of 2048 bits', () => pem(rsa)],
    ['an RSA key of 4096 bits', () => pem(rsaOf(4096))],
    ['a key in PKCS #1', () => String(rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }))],
    ['a key in SEC 1', () => String(ec.privateKey.export({ type: 'sec1', format: 'pem' }))],
    ...['P-256', 'P-384', 'P-521'].map((curve): [string, () => string] => [curve, () => pem(ecOf(curve))]),
    ['X25519', () => pem(generateKeyPairSync('x25519'))],
    ['a JWK', () => jwk(rsa)],
    ['a JWK with blanks before it', () => `\n  ${jwk(ec)}\n`],
    ['a JWK with a byte order mark (Windows)', () => `\ufeff${jwk(ec)}\r\n`],
    ['a JWK for X25519', () => jwk(generateKeyPairSync('x25519'))],
    ['a JWK that says what it is for', () => jwk(rsa, { use: 'enc', alg: 'RSA-OAEP-256' })],
    ['an EC JWK that says what it is for', () => jwk(ec, { use: 'enc', alg: 'ECDH-ES' })],
    ['a PEM file with Windows line ends', () => pem(rsa).replaceAll('\n', '\r\n')],
  ])('%s', (_what, content) => {
    const [key, ...others] = keysOf(file(content()));
    expect(key?.pem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(others).toEqual([]);
  });

  test('a key without an id of its own, or one with it', () => {
    expect(keysOf(file(pem(rsa)))[0]).not.toHaveProperty('kid');
    expect(keysOf(file(jwk(rsa, { kid: 'of-ours' })))[0]?.kid).toBe('of-ours');
    expect(keysOf(file(jwk(rsa, { kid: '' })))[0]).not.toHaveProperty('kid');
    expect(keysOf(file(jwk(rsa, { kid: 7 })))[0]).not.toHaveProperty('kid');
  });

  test('two files hold two keys, in their order, and none is needed', () => {
    const [one, other] = [file(pem(rsa)), file(jwk(ec))];
    expect(keysOf(`${one},${other}`).map((key) => key.pem)).toEqual([pem(rsa), pem(ec)]);
    expect(keysOf(`${other} , ${one}`).map((key) => key.pem)).toEqual([pem(ec), pem(rsa)]);
    expect(keysOf('')).toEqual([]);
  });

  // The doctor says that a key of its own is better.
  test('the client key, too', () => {
    const both = { OIDC_CLIENT_AUTH: 'private_key_jwt', OIDC_CLIENT_SECRET: '' };
    const path = file(pem(rsa));
    expect(problemsOf(path, { ...both, OIDC_CLIENT_KEY_FILE: path })).toEqual([]);
  });
});

describe('one sentence says what is wrong with', () => {
  const noKey =
    /^OIDC_DECRYPTION_KEY_FILE must name a file with one private key, in PEM or as a JWK; a public key or a key set does not decrypt\.$/;
  const unfit =
    /^OIDC_DECRYPTION_KEY_FILE must name an RSA key of 2048 to 4096 bits, a P-256, P-384 or P-521 key or an X25519 key\.$/;
  const unreadable =
    /^OIDC_DECRYPTION_KEY_FILE names a file that cannot be read: check its path and permissions\.$/;
  const list = /^OIDC_DECRYPTION_KEY_FILE must be one file, or two with a comma between them\.$/;
  const alg =
    /^OIDC_DECRYPTION_KEY_FILE names a JWK whose "alg" is not the one it is used with, (RSA-OAEP-256|ECDH-ES)\.$/;
  const encrypted = { cipher: 'aes-256-cbc', passphrase: 'secret' };

  test.each<[string, () => string, RegExp]>([
    [
      'a key with a passphrase',
      () => String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem', ...encrypted })),
      /^OIDC_DECRYPTION_KEY_FILE names a key with a passphrase: store it without one/,
    ],
    [
      'an old key with a passphrase',
      () => String(rsa.privateKey.export({ type: 'pkcs1', format: 'pem', ...encrypted })),
      /^OIDC_DECRYPTION_KEY_FILE names a key with a passphrase/,
    ],
    ['a public key', () => String(rsa.publicKey.export({ type: 'spki', format: 'pem' })), noKey],
    ['a public JWK', () => JSON.stringify(rsa.publicKey.export({ format: 'jwk' })), noKey],
    ['a key set', () => `{"keys":[${jwk(rsa)}]}`, noKey],
    ['a list of keys', () => `[${jwk(rsa)}]`, noKey],
    ['a secret', () => '{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQ"}', noKey],
    ['JSON that is broken', () => jwk(rsa).slice(0, -1), noKey],
    ['PEM that is broken', () => pem(rsa).replace('MII', 'XXX'), noKey],
    ['an empty file', () => '', noKey],
    ['an RSA key of 1024 bits', () => pem(rsaOf(1024)), unfit],
    // 8192 bits, which takes long to make, is more than these.
    ['an RSA key of more than 4096 bits', () => pem(rsaOf(4160)), unfit],
    ['a key for RSA-PSS', () => pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })), unfit],
    ['Ed25519', () => pem(generateKeyPairSync('ed25519')), unfit],
    ['X448', () => pem(generateKeyPairSync('x448')), unfit],
    ['secp256k1', () => pem(ecOf('secp256k1')), unfit],
    ['a JWK for secp256k1', () => jwk(ecOf('secp256k1')), unfit],
    [
      'a JWK for signing',
      () => jwk(ec, { use: 'sig' }),
      /^OIDC_DECRYPTION_KEY_FILE names a JWK whose "use" is sig: make a key for encryption alone\.$/,
    ],
    ...['RSA-OAEP', 'RSA1_5', 'RS256', 'ECDH-ES', ''].map((value): [string, () => string, RegExp] => [
      `an RSA JWK for ${value}`,
      () => jwk(rsa, { alg: value }),
      alg,
    ]),
    ...['ECDH-ES+A128KW', 'ES256', 'RSA-OAEP-256'].map((value): [string, () => string, RegExp] => [
      `an EC JWK for ${value}`,
      () => jwk(ec, { alg: value }),
      alg,
    ]),
  ])('%s', (_what, content, says) => {
    const text = content();
    const problems = problemsOf(file(text));
    expect(problems).toEqual([expect.stringMatching(says)]);
    expectNoneOf(text, problems);
    // So it does as the second of two.
    expect(problemsOf(`${file(pem(rsaToo))},${file(text)}`)).toEqual(problems);
  });

  test('a file that is not there, a folder, and one that is too large', () => {
    mkdirSync(folder.write('a-folder', '').replace('a-folder', 'folder'));
    const place = folder.write('none', '').replace(/none$/, '');
    for (const path of [join(place, 'absent'), join(place, 'folder'), file('x'.repeat(100_001))])
      expect(problemsOf(path)).toEqual([expect.stringMatching(unreadable)]);
  });

  test('one key twice, whatever it is written as', () => {
    const twice = ['OIDC_DECRYPTION_KEY_FILE names one key twice.'];
    const path = file(pem(rsa));
    expect(problemsOf(`${path},${path}`)).toEqual(twice);
    expect(problemsOf(`${path},${file(jwk(rsa, { kid: 'another' }))}`)).toEqual(twice);
    const ofEc = [pem(ec), String(ec.privateKey.export({ type: 'sec1', format: 'pem' }))].map(file);
    expect(problemsOf(ofEc.join())).toEqual(twice);
  });

  test('two keys that have one id', () => {
    const same = ['OIDC_DECRYPTION_KEY_FILE names two keys with one "kid": give each its own.'];
    const one = file(jwk(rsa, { kid: 'same' }));
    expect(problemsOf(`${one},${file(jwk(rsaToo, { kid: 'same' }))}`)).toEqual(same);
    const empty = [rsa, rsaToo].map((key) => file(jwk(key, { kid: '' })));
    expect(problemsOf(empty.join())).toEqual([]);
  });

  test('three files, and an empty place', () => {
    const [one, other, third] = [pem(rsa), pem(rsaToo), pem(ec)].map(file);
    for (const setting of [`${one},${other},${third}`, `${one},`, `,${one}`, `${one},,${other}`, ','])
      expect(problemsOf(setting)).toEqual([expect.stringMatching(list)]);
  });

  test('each of two, and what else is wrong', () => {
    const problems = problemsOf(`${file(jwk(rsa, { use: 'sig' }))},/nowhere/key.pem`, { OIDC_CLIENT_ID: '' });
    expect(problems).toHaveLength(3);
  });
});

describe('with several providers', () => {
  const two = {
    ...{ OIDC_ISSUER: '', OIDC_CLIENT_ID: '', OIDC_CLIENT_SECRET: '', OIDC_PROVIDERS: 'work,social' },
    ...{ OIDC_WORK_ISSUER: 'https://work.example.com', OIDC_WORK_CLIENT_ID: 'app' },
    ...{ OIDC_SOCIAL_ISSUER: 'https://social.example.com', OIDC_SOCIAL_CLIENT_ID: 'app' },
    ...{ OIDC_WORK_CLIENT_SECRET: 'a-secret-at-work', OIDC_SOCIAL_CLIENT_SECRET: 'another-secret' },
  };
  const each = (work: string, social: string) =>
    problemsOf(undefined, {
      ...two,
      ...{ OIDC_WORK_DECRYPTION_KEY_FILE: work, OIDC_SOCIAL_DECRYPTION_KEY_FILE: social },
    });

  test('each has its own, or none', () => {
    const [one, other] = [pem(rsa), pem(rsaToo)].map(file);
    expect(each(one ?? '', other ?? '')).toEqual([]);
    const { providers } = loadConfig({ ...base, ...two, OIDC_WORK_DECRYPTION_KEY_FILE: one }, site);
    expect(providers.map(({ decryptionKeys }) => decryptionKeys.length)).toEqual([1, 0]);
  });

  test('a key that decrypts for one and signs for the other is refused', () => {
    const [one, other] = [file(pem(rsa)), file(pem(ec))];
    const signs = { OIDC_SOCIAL_REQUEST_OBJECT: 'true', OIDC_SOCIAL_CLIENT_KEY_FILE: one };
    const problems = (key: string) =>
      problemsOf(undefined, { ...two, ...signs, OIDC_WORK_DECRYPTION_KEY_FILE: key });
    expect(problems(other)).toEqual([]);
    expect(problems(one)).toEqual([
      'OIDC_WORK_DECRYPTION_KEY_FILE and OIDC_SOCIAL_CLIENT_KEY_FILE have a key in common: make each provider a key of its own.',
    ]);
  });

  test('one key for both is refused, also as the second of two and as another kind of file', () => {
    const [one, asJwk, other] = [pem(rsa), jwk(rsa, { kid: 'another' }), pem(ec)].map(file);
    const says =
      'OIDC_WORK_DECRYPTION_KEY_FILE and OIDC_SOCIAL_DECRYPTION_KEY_FILE have a key in common: make each provider a key of its own.';
    expect(each(one ?? '', asJwk ?? '')).toEqual([says]);
    expect(each(one ?? '', `${other},${asJwk}`)).toEqual([says]);
  });

  test('a mistake names the setting in full', () => {
    expect(each('/nowhere/key.pem', '')).toEqual([
      'OIDC_WORK_DECRYPTION_KEY_FILE names a file that cannot be read: check its path and permissions.',
    ]);
  });

  test('the name without a provider is refused', () => {
    const problems = problemsOf(file(pem(rsa)), two);
    expect(problems).toEqual([expect.stringContaining(name)]);
  });
});

/** Not ten characters of what a file holds are in a problem, but for words that a sentence has anyway. */
function expectNoneOf(text: string, problems: readonly string[]): void {
  const secret = text.replaceAll(/-----[A-Z ]+-----|"[\w-]{1,12}"|\s/g, '');
  for (let at = 0; at + 10 <= secret.length; at += 1)
    expect(problems.join(' ').includes(secret.slice(at, at + 10))).toBe(false);
}
