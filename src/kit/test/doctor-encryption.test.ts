import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { checkEncryption } from '../doctor/encryption.ts';
import { mask, warning } from '../doctor/finding.ts';
import { secretsOf } from '../doctor/settings.ts';
import { Decryption } from '../provider/decryption.ts';
import { type KeyFile, makeKeyFolder } from './helpers/doctor-keys.ts';
import { asPrinted, crosses, linesAbout, linesAt, providerOf, registered } from './helpers/doctor-real.ts';
import { sessionSecret } from './helpers/doctor-run.ts';
import { examineTwo } from './helpers/doctor-several.ts';
import { expectWholeLife, withPairOf } from './helpers/whole-life.ts';

// What the doctor says of tokens that are encrypted for this app, and the public keys that it prints.

const folder = makeKeyFolder();
afterAll(folder.remove);
const [rsa, newRsa, ec, x25519, signing] = await Promise.all([
  folder.make('rsa'),
  folder.make('rsa'),
  folder.make('ec'),
  folder.make('x25519'),
  folder.make('ec'),
]);

const decryption = (...keys: { file: string }[]) => ({
  OIDC_DECRYPTION_KEY_FILE: keys.map(({ file }) => file).join(),
});
const signs = { OIDC_REQUEST_OBJECT: 'true', OIDC_CLIENT_KEY_FILE: signing.file };

describe('a real provider', () => {
  test('can encrypt for this app: what with, and what has to be registered for it', async () => {
    const lines = await linesAt({ env: decryption(rsa) });
    expect(linesAbout(lines, 'encryption')).toEqual([
      '✓ encryption: ID tokens: RSA-OAEP-256 with A256GCM is offered. The provider encrypts once id_token_encrypted_response_alg and id_token_encrypted_response_enc are registered for this app.',
      '✓ encryption: userinfo: RSA-OAEP-256 with A256GCM is offered. The provider encrypts once userinfo_encrypted_response_alg and userinfo_encrypted_response_enc are registered for this app, and userinfo_signed_response_alg, as it must be signed too.',
    ]);
    expect(registered(lines, 'client metadata')).toEqual({
      id_token_encrypted_response_alg: 'RSA-OAEP-256',
      id_token_encrypted_response_enc: 'A256GCM',
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_alg: 'RSA-OAEP-256',
      userinfo_encrypted_response_enc: 'A256GCM',
    });
    expect(crosses(lines)).toEqual([]);
  });

  test('that encrypts nothing has no use for the key', async () => {
    const features = { encryption: { enabled: false } };
    const lines = await linesAt({ env: decryption(rsa), overrides: { features } });
    expect(linesAbout(lines, 'encryption')).toEqual([
      '! encryption: the metadata offers no encryption, so OIDC_DECRYPTION_KEY_FILE is of no use. Switch it on at the provider, or remove the setting.',
    ]);
    expect(linesAbout(lines, 'register as client metadata')).toEqual([]);
  });

  test.each<[kind: string, key: KeyFile]>([
    ['an RSA key', rsa],
    ['a P-256 key', ec],
    ['an X25519 key', x25519],
  ])(
    'lets users in when exactly what is printed is registered, with %s',
    async (_kind, key) => {
      const env = { ...signs, ...decryption(key), OIDC_RESPONSE_MODE: 'jwt' };
      const lines = await linesAt({ env });
      const client = { ...registered(lines, 'client metadata'), jwks: registered(lines, 'key set') };
      const alg = key === rsa ? 'RSA-OAEP-256' : 'ECDH-ES';
      expect(client).toMatchObject({
        require_signed_request_object: true,
        request_object_signing_alg: 'ES256',
        authorization_signed_response_alg: 'RS256',
        userinfo_encrypted_response_alg: alg,
        jwks: { keys: [{ use: 'sig' }, { ...key.jwk, kid: key.kid, use: 'enc', alg }] },
      });
      await withPairOf({ env, client }, expectWholeLife);
    },
    60_000,
  );
});

describe('the metadata about encryption', () => {
  const algs = (...all: string[]) => ({ id_token_encryption_alg_values_supported: all });
  const encs = (...all: string[]) => ({ id_token_encryption_enc_values_supported: all });
  const userinfo = (alg: string, enc?: string) => ({
    userinfo_encryption_alg_values_supported: [alg],
    ...(enc && { userinfo_encryption_enc_values_supported: [enc] }),
  });

  test.each<[what: string, metadata: object, env: object, lines: unknown[]]>([
    ['is not looked at without a key', algs('RSA1_5'), {}, []],
    [
      'has other algorithms only',
      algs('RSA1_5', 'RSA-OAEP'),
      decryption(rsa),
      [
        '! encryption: ID tokens: the provider offers RSA1_5, RSA-OAEP, and the key in OIDC_DECRYPTION_KEY_FILE is for RSA-OAEP-256. Have the provider offer RSA-OAEP-256 or ECDH-ES: the app accepts nothing else.',
        '✓ encryption: userinfo: not offered.',
      ],
    ],
    [
      'has an algorithm for another kind of key',
      algs('RSA-OAEP', 'ECDH-ES'),
      decryption(rsa),
      [
        expect.stringMatching(/^! .* is for RSA-OAEP-256\. Make a P-256 key for ECDH-ES\.$/),
        expect.anything(),
      ],
    ],
    [
      'has RSA alone, and the key is another',
      algs('RSA-OAEP-256'),
      decryption(x25519),
      [
        expect.stringMatching(/^! .* is for ECDH-ES\. Make an RSA key for RSA-OAEP-256\.$/),
        expect.anything(),
      ],
    ],
    [
      'has no way for the content that the app opens',
      { ...algs('RSA-OAEP-256'), ...encs('A192CBC-HS384', 'A256CBC-HS512') },
      decryption(rsa),
      [
        '! encryption: ID tokens: the provider offers A192CBC-HS384, A256CBC-HS512 for the content, none of which the app can open. Have the provider offer one of A256GCM, A128GCM, A128CBC-HS256.',
        expect.anything(),
      ],
    ],
    [
      'names none for the content: the default of a registration',
      algs('RSA-OAEP-256'),
      decryption(rsa),
      [
        expect.stringMatching(/^✓ encryption: ID tokens: RSA-OAEP-256 with A128CBC-HS256 is offered\./),
        expect.anything(),
      ],
    ],
    [
      'is about userinfo alone',
      userinfo('RSA-OAEP-256', 'A128GCM'),
      decryption(rsa),
      [
        expect.stringMatching(/^✓ encryption: userinfo: RSA-OAEP-256 with A128GCM is offered\./),
        '✓ encryption: ID tokens: not offered.',
      ],
    ],
    [
      'is about userinfo alone, which is not asked',
      userinfo('RSA-OAEP-256'),
      { ...decryption(rsa), OIDC_USERINFO: 'false' },
      [expect.stringMatching(/^! encryption: the metadata offers no encryption/)],
    ],
  ])('%s', async (_what, metadata, env, expected) => {
    expect(asPrinted(await checkEncryption({ ...metadata }, providerOf({ ...env })))).toEqual(expected);
  });
});

describe('keys', () => {
  const metadata = { id_token_encryption_alg_values_supported: ['RSA-OAEP-256', 'ECDH-ES'] };
  const about = async (env: object) =>
    asPrinted(await checkEncryption(metadata, providerOf({ ...env }))).slice(2);

  test.each([
    ['the same', signing, 1],
    ['one of another kind', rsa, 0],
    ['another one', ec, 0],
  ])('that decrypt and sign: %s', async (_what, key, warnings) => {
    const lines = await about({ ...signs, ...decryption(key) });
    expect(lines).toEqual(
      Array(warnings).fill(
        '! encryption: a key in OIDC_DECRYPTION_KEY_FILE is in OIDC_CLIENT_KEY_FILE too. Make one for encryption alone: a key should not be used for both (RFC 7517 §4.2).',
      ),
    );
    // A comparison of unlike keys must not spoil what comes after it.
    expect(providerOf({ ...signs, ...decryption(key) }).clientKeys).toHaveLength(1);
  });

  test('that are two: how the new one takes the place of the old one', async () => {
    expect(await about(decryption(newRsa, rsa))).toEqual([
      `✓ encryption: there are two keys, ${newRsa.kid} and ${rsa.kid}, in the order of OIDC_DECRYPTION_KEY_FILE, and the app opens what is encrypted for either. Register the new one in place of the old one, and remove the old one once the provider no longer uses it.`,
    ]);
  });
});

describe('the key set to register', () => {
  test('has each public key once, for what it is used, under the name that the app knows it by', async () => {
    const named = await folder.make('ec', { kid: 'of-my-own', alg: 'ECDH-ES' });
    const env = { ...signs, ...decryption(rsa, named) };
    const { keys } = registered(await linesAt({ env }), 'key set');
    expect(keys).toEqual([
      { ...signing.jwk, kid: signing.kid, use: 'sig', alg: 'ES256' },
      { ...rsa.jwk, kid: rsa.kid, use: 'enc', alg: 'RSA-OAEP-256' },
      { ...named.jwk, kid: 'of-my-own', use: 'enc', alg: 'ECDH-ES' },
    ]);
    const app = new Decryption(providerOf(env).decryptionKeys);
    for (const { kid, use } of keys) expect(await app.has(kid)).toBe(use === 'enc');
  });

  test('says no algorithm of a key that signs assertions in one way and requests in another', async () => {
    const env = {
      OIDC_CLIENT_SECRET: undefined,
      OIDC_CLIENT_AUTH: 'private_key_jwt',
      OIDC_REQUEST_OBJECT: 'true',
      OIDC_CLIENT_KEY_FILE: rsa.file,
    };
    const keysWith = async (requestObjectSigningAlgValues: string[]) => {
      const enabledJWA = { requestObjectSigningAlgValues, clientAuthSigningAlgValues: ['RS256', 'PS256'] };
      return registered(await linesAt({ env, overrides: { enabledJWA } }), 'key set').keys;
    };
    const key = { ...rsa.jwk, kid: rsa.kid, use: 'sig' };
    expect(await keysWith(['PS256'])).toEqual([key]);
    expect(await keysWith(['RS256', 'PS256'])).toEqual([{ ...key, alg: 'RS256' }]);
  });

  test('is not there where no key has to be known', async () => {
    expect((await linesAt({})).filter((line) => /key set: \{|client metadata/.test(line))).toEqual([]);
  });

  test('shows nothing of a private key, nor does any other line', async () => {
    const asJwk = await folder.make('rsa', { kid: 'jwk' });
    const env = { ...signs, ...decryption(rsa, asJwk) };
    const output = (await linesAt({ env, client: { jwks: { keys: [] } } })).join('\n');
    for (const { privateKey, file } of [signing, rsa, asJwk]) {
      const { kty, n, e, x, y, crv, ...hidden } = privateKey.export({ format: 'jwk' });
      for (const [name, value] of Object.entries(hidden)) {
        expect(output).not.toContain(`"${name}"`);
        for (const part of tens(String(value))) expect(output).not.toContain(part);
      }
      if (file === asJwk.file) continue;
      const body = readFileSync(file, 'utf8').replace(/-----.*-----|\s/g, '');
      for (const part of tens(body)) expect(output).not.toContain(part);
    }
  });

  test('loses nothing to what is taken out of lines, which is the private part of each key', async () => {
    const env = { ...signs, ...decryption(rsa), BASE_URL: 'http://localhost:3000' };
    const config = loadConfig({
      ...env,
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER: 'https://login.example.com',
      OIDC_CLIENT_ID: 'web-app',
      OIDC_CLIENT_SECRET: 'a-secret-of-some-length',
    });
    const secrets = config.providers.flatMap((provider) => secretsOf({ ...config, provider }));
    for (const { privateKey, jwk } of [signing, rsa]) {
      const { d, p, q, dp, dq, qi } = privateKey.export({ format: 'jwk' });
      const hidden = [d, p, q, dp, dq, qi, privateKey.export({ type: 'pkcs8', format: 'pem' })];
      for (const text of hidden.filter((each) => each !== undefined))
        expect(mask([warning('x', `it is ${text}`)], secrets)[0]?.text).toBe('it is •••');
      expect(mask([warning('x', JSON.stringify(jwk))], secrets)[0]?.text).toBe(JSON.stringify(jwk));
    }
  });

  test('is of one provider, where there are several', async () => {
    const { lines } = await examineTwo({
      env: { OIDC_SOCIAL_DECRYPTION_KEY_FILE: rsa.file },
    });
    expect(lines.filter((line) => /encryption: |register as (key set|client metadata)/.test(line))).toEqual([
      '! social: encryption: the metadata offers no encryption, so OIDC_SOCIAL_DECRYPTION_KEY_FILE is of no use. Switch it on at the provider, or remove the setting.',
      expect.stringMatching(/^✓ social: register as key set: \{"keys":\[\{"kty":"RSA",[^[]*"use":"enc"/),
    ]);
  });
});

/** Each ten characters that follow one another, in both of base64's alphabets. */
function tens(text: string): string[] {
  const url = text.replaceAll('+', '-').replaceAll('/', '_');
  return [text, url].flatMap((each) =>
    Array.from({ length: Math.max(each.length - 9, 0) }, (_, at) => each.slice(at, at + 10)),
  );
}
