import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../config/index.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { ecKey, edKey, keyFolder, rsaKey } from './helpers/request-objects.ts';

// OIDC_REQUEST_OBJECT with each way of OIDC_CLIENT_AUTH: what it needs, and one sentence for each mistake.

const folder = keyFolder('config-signing');
afterAll(folder.remove);

const pem = (key: KeyObject) => folder.write(key.export({ type: 'pkcs8', format: 'pem' }));
const own = makeCertificate({ name: 'web-app' });
const rsa = rsaKey();
const rsaFile = pem(rsa);
const ecFile = pem(ecKey());

const base = {
  BASE_URL: 'http://localhost:3000',
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'web-app',
  SESSION_SECRET: '0123456789abcdef'.repeat(4),
};
const secret = { ...base, OIDC_CLIENT_SECRET: 'a-secret' };
const tls = {
  ...base,
  OIDC_CLIENT_KEY_FILE: folder.write(own.key),
  OIDC_CLIENT_CERT_FILE: folder.write(own.cert),
};
const signing = { OIDC_REQUEST_OBJECT: 'true' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** Each way as it works without signed requests, but for the key where it has one anyway. */
const ways: [way: string, env: Record<string, string>][] = [
  ['client_secret_basic', secret],
  ['client_secret_post', secret],
  ['client_secret_jwt', secret],
  ['private_key_jwt', base],
  ['workload_identity', { ...base, OIDC_CLIENT_ASSERTION_FILE: '/run/token' }],
];

describe('signed requests with each way of OIDC_CLIENT_AUTH', () => {
  test.each(ways)('%s takes a key, two keys and an algorithm', (way, env) => {
    const set = { ...env, ...signing, OIDC_CLIENT_AUTH: way };
    const one = loadConfig({ ...set, OIDC_CLIENT_KEY_FILE: ecFile }).providers[0];
    expect(one).toMatchObject({ requestObject: true, clientAuth: way, clientKeyAlg: undefined });
    expect(one.clientKeys).toHaveLength(1);
    const two = { ...set, OIDC_CLIENT_KEY_FILE: `${ecFile},${rsaFile}` };
    expect(loadConfig(two).providers[0].clientKeys).toHaveLength(2);
    const by = { ...set, OIDC_CLIENT_KEY_FILE: rsaFile, OIDC_CLIENT_KEY_ALG: 'PS256' };
    expect(loadConfig(by).providers[0].clientKeyAlg).toBe('PS256');
  });

  test.each(['tls_client_auth', 'self_signed_tls_client_auth'])(
    '%s signs with the key of the certificate',
    (way) => {
      const set = { ...tls, ...signing, OIDC_CLIENT_AUTH: way };
      const { clientKeys, clientCert, requestObject } = loadConfig(set).providers[0];
      expect([clientKeys.length, clientCert, requestObject]).toEqual([1, own.cert, true]);
      expect(loadConfig({ ...set, OIDC_CLIENT_KEY_ALG: 'ES256' }).providers[0].clientKeyAlg).toBe('ES256');
    },
  );

  test('the kid and the algorithm of a JWK are kept', () => {
    const jwk = { ...rsa.export({ format: 'jwk' }), kid: 'k1', alg: 'PS384' };
    const set = { ...secret, ...signing, OIDC_CLIENT_KEY_FILE: folder.write(JSON.stringify(jwk)) };
    expect(loadConfig(set).providers[0].clientKeys).toMatchObject([{ kid: 'k1', alg: 'PS384' }]);
  });
});

describe('without a key that signs', () => {
  const sentence = (env: Record<string, string>) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    return problems[0];
  };

  test.each(ways.filter(([way]) => way !== 'private_key_jwt'))('%s: the key is missing', (way, env) => {
    expect(sentence({ ...env, ...signing, OIDC_CLIENT_AUTH: way })).toBe(
      'OIDC_CLIENT_KEY_FILE is missing. OIDC_REQUEST_OBJECT=true needs it.',
    );
  });

  test('private_key_jwt: it is missing anyway', () => {
    expect(sentence({ ...base, ...signing, OIDC_CLIENT_AUTH: 'private_key_jwt' })).toBe(
      'OIDC_CLIENT_KEY_FILE is missing. OIDC_CLIENT_AUTH=private_key_jwt needs it.',
    );
  });

  const locked = () => rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  const public_ = () => createPublicKey(rsa).export({ type: 'spki', format: 'pem' });
  const files: [what: string, file: () => string, says: RegExp][] = [
    [
      'that is not there',
      () => '/nowhere/key.pem',
      /names a file that cannot be read: check its path and permissions\.$/,
    ],
    ['with a passphrase', () => folder.write(locked()), /names a key with a passphrase/],
    ['with a public key', () => folder.write(public_()), /a public key or a key set does not sign\.$/],
    [
      'with a public JWK',
      () => folder.write(JSON.stringify(createPublicKey(rsa).export({ format: 'jwk' }))),
      /a public key or a key set does not sign\.$/,
    ],
    [
      'with two private keys',
      () => folder.write([rsa, rsaKey()].map((key) => key.export({ type: 'pkcs8', format: 'pem' })).join('')),
      /names a file with several private keys in it/,
    ],
    ['with nothing in it', () => folder.write(''), /must name a file with one private key/],
    ['with an RSA key of 1024 bits', () => pem(rsaKey(1024)), /RSA key of at least 2048 bits/],
    [
      'with a key for X25519',
      () => pem(generateKeyPairSync('x25519').privateKey),
      /must name an RSA key .* Ed25519 key\.$/,
    ],
    ['with a key on secp256k1', () => pem(ecKey('secp256k1')), /P-256, P-384 or P-521 key/],
    [
      'with an RSA key for PSS only',
      () => pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey),
      /must name an RSA key/,
    ],
    ['three times', () => `${ecFile},${ecFile},${ecFile}`, /must be one file, or two with a comma/],
  ];
  test.each(files)('a file %s', (_, file, says) => {
    const problem = sentence({ ...secret, ...signing, OIDC_CLIENT_KEY_FILE: file() });
    expect(problem).toMatch(/^OIDC_CLIENT_KEY_FILE /);
    expect(problem).toMatch(says);
  });

  test.each([
    [() => ecFile, 'RS256', 'ES256'],
    [() => rsaFile, 'ES256', 'RS256, PS256, RS384, PS384, RS512, PS512'],
    [() => pem(edKey()), 'ES256', 'EdDSA, Ed25519'],
  ])('an OIDC_CLIENT_KEY_ALG that does not fit', (file, alg, fitting) => {
    const set = { ...secret, ...signing, OIDC_CLIENT_KEY_FILE: file(), OIDC_CLIENT_KEY_ALG: alg };
    expect(sentence(set)).toBe(
      `OIDC_CLIENT_KEY_ALG=${alg} does not fit the key in OIDC_CLIENT_KEY_FILE, which can sign with: ${fitting}.`,
    );
  });

  test('a JWK whose alg does not fit', () => {
    const jwk = { ...rsa.export({ format: 'jwk' }), alg: 'ES256' };
    const set = { ...secret, ...signing, OIDC_CLIENT_KEY_FILE: folder.write(JSON.stringify(jwk)) };
    expect(sentence(set)).toMatch(/names a JWK whose "alg" does not fit its key/);
  });

  test.each(['tls_client_auth', 'self_signed_tls_client_auth'])(
    '%s: the key of a certificate that is good for TLS and cannot sign a JWT',
    (OIDC_CLIENT_AUTH) => {
      const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
      const set = {
        ...base,
        OIDC_CLIENT_AUTH,
        OIDC_CLIENT_KEY_FILE: pem(small.privateKey),
        OIDC_CLIENT_CERT_FILE: folder.write(makeCertificate({ keys: small, issuer: own }).cert),
      };
      expect(problemsOf(set)).toEqual([]);
      expect(sentence({ ...set, ...signing })).toMatch(
        /^OIDC_CLIENT_KEY_FILE must name an RSA key of at least 2048/,
      );
    },
  );

  test('a value that is neither true nor false says nothing of the key beside it', () => {
    const set = {
      ...secret,
      OIDC_REQUEST_OBJECT: 'signed',
      OIDC_CLIENT_KEY_FILE: rsaFile,
      OIDC_CLIENT_KEY_ALG: 'PS256',
    };
    expect(sentence(set)).toMatch(/^OIDC_REQUEST_OBJECT must be /);
  });
});

describe('without signed requests', () => {
  test.each([[undefined], ['false']])('a key has no effect with a secret (OIDC_REQUEST_OBJECT=%s)', (set) => {
    const unsigned: Record<string, string> =
      set === undefined ? secret : { ...secret, OIDC_REQUEST_OBJECT: set };
    expect(problemsOf(unsigned)).toEqual([]);
    expect(problemsOf({ ...unsigned, OIDC_CLIENT_KEY_FILE: ecFile })).toEqual([
      'OIDC_CLIENT_KEY_FILE has no effect with OIDC_CLIENT_AUTH=client_secret_basic: remove it.',
    ]);
    expect(
      problemsOf({ ...unsigned, OIDC_CLIENT_KEY_FILE: ecFile, OIDC_CLIENT_KEY_ALG: 'ES256' }),
    ).toHaveLength(2);
  });

  test('a certificate has no effect with a secret, signed or not', () => {
    const set = {
      ...secret,
      ...signing,
      OIDC_CLIENT_KEY_FILE: ecFile,
      OIDC_CLIENT_CERT_FILE: tls.OIDC_CLIENT_CERT_FILE,
    };
    expect(problemsOf(set)).toEqual([
      'OIDC_CLIENT_CERT_FILE has no effect with OIDC_CLIENT_AUTH=client_secret_basic: remove it.',
    ]);
  });

  test('an algorithm has no effect with a client certificate', () => {
    const set = { ...tls, OIDC_CLIENT_AUTH: 'tls_client_auth' };
    expect(problemsOf(set)).toEqual([]);
    expect(problemsOf({ ...set, OIDC_CLIENT_KEY_ALG: 'ES256' })).toEqual([
      'OIDC_CLIENT_KEY_ALG has no effect with OIDC_CLIENT_AUTH=tls_client_auth: remove it.',
    ]);
  });
});

describe('more parameters in a signed request', () => {
  const key = { ...secret, ...signing, OIDC_CLIENT_KEY_FILE: ecFile };

  test.each(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'AUD'])(
    '%s is what the JWT says of itself',
    (name) => {
      const more = { OIDC_AUTHORIZATION_PARAMETERS: `${name}=x` };
      expect(problemsOf({ ...key, ...more })).toEqual([
        `OIDC_AUTHORIZATION_PARAMETERS has ${name}, and with OIDC_REQUEST_OBJECT=true the app sets that itself: remove it.`,
      ]);
      expect(problemsOf({ ...secret, ...more }), 'in a plain one').toEqual([]);
    },
  );

  test.each(['{}', 'x', '"a"', 'null'])('authorization_details are a JSON list: %s', (value) => {
    const more = (details: string) => ({ OIDC_AUTHORIZATION_PARAMETERS: `authorization_details=${details}` });
    expect(problemsOf({ ...key, ...more(value) })).toEqual([
      expect.stringContaining('has authorization_details that are not a JSON list'),
    ]);
    expect(problemsOf({ ...key, ...more('[{"type":"account"}]') })).toEqual([]);
  });
});

test('several providers: a problem is said by the name of its setting, and no two share a key', () => {
  const several = {
    BASE_URL: base.BASE_URL,
    SESSION_SECRET: base.SESSION_SECRET,
    OIDC_PROVIDERS: 'work,home',
    OIDC_WORK_ISSUER: 'https://work.example.com',
    OIDC_WORK_CLIENT_ID: 'a',
    OIDC_WORK_CLIENT_SECRET: 'a-secret',
    OIDC_WORK_REQUEST_OBJECT: 'true',
    OIDC_HOME_ISSUER: 'https://home.example.com',
    OIDC_HOME_CLIENT_ID: 'b',
    OIDC_HOME_CLIENT_SECRET: 'b-secret',
  };
  expect(problemsOf(several)).toEqual([
    'OIDC_WORK_CLIENT_KEY_FILE is missing. OIDC_WORK_REQUEST_OBJECT=true needs it.',
  ]);
  const work = { ...several, OIDC_WORK_CLIENT_KEY_FILE: ecFile };
  expect(loadConfig(work).providers.map(({ requestObject }) => requestObject)).toEqual([true, false]);
  const shared = { ...work, OIDC_HOME_REQUEST_OBJECT: 'true', OIDC_HOME_CLIENT_KEY_FILE: ecFile };
  expect(problemsOf(shared)).toEqual([expect.stringContaining('have a key in common')]);
  expect(problemsOf({ ...shared, OIDC_HOME_CLIENT_KEY_FILE: rsaFile })).toEqual([]);
});
