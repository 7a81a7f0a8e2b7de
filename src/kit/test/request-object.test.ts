import { createPrivateKey } from 'node:crypto';
import type { Express } from 'express';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { clientId } from './helpers/identity-provider.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { type MutualTlsProvider, readCertificates, startMutualTlsProvider } from './helpers/mutual-tls.ts';
import {
  beginAt,
  ecKey,
  edKey,
  keyFolder,
  readRequest,
  registeredFor,
  rsaKey,
  type SigningKey,
} from './helpers/request-objects.ts';
import { trustDuringTests } from './helpers/trusted.ts';
import { expectWholeLife, watchForms, withPairOf } from './helpers/whole-life.ts';

// What a signed authorization request (RFC 9101) is made of, and that a provider that demands one takes it.

vi.setConfig({ testTimeout: 60_000 });

const folder = keyFolder('request-object');
const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
let ec: SigningKey;
trustDuringTests(server);
beforeAll(async () => {
  ec = await folder.save(ecKey());
});
afterAll(folder.remove);

/** What each way adds to a form. */
const authenticatedBy: [way: string, adds: string[]][] = [
  ['client_secret_basic', []],
  ['client_secret_post', ['client_secret']],
  ['client_secret_jwt', ['client_assertion', 'client_assertion_type']],
  ['private_key_jwt', ['client_assertion', 'client_assertion_type']],
];

describe('a provider that demands signed requests lets people sign in, refresh and sign out', () => {
  test.each(authenticatedBy)(
    'by PAR with %s: the form holds client_id, request, what authenticates, and nothing else',
    async (way, adds) => {
      const { client, env } = registeredFor(way, ec);
      await withPairOf({ client, env: { ...env, OIDC_PAR: 'require' } }, async (pair) => {
        const forms = watchForms(pair.provider);
        await expectWholeLife(pair);
        const [pushed = {}, ...others] = forms;
        expect(Object.keys(pushed).sort()).toEqual([...adds, 'client_id', 'request'].sort());
        expect(pushed.client_id).toBe(clientId);
        expect(others.map((form) => 'request' in form)).toEqual([false, false]);

        const address = await beginAt(pair);
        expect([...address.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
      });
    },
  );

  test.each(authenticatedBy)(
    'without PAR with %s: the address holds client_id, response_type, scope=openid, request, and nothing else',
    async (way) => {
      const { client, env } = registeredFor(way, ec);
      await withPairOf({ client, env: { ...env, OIDC_PAR: 'off' } }, async (pair) => {
        await expectWholeLife(pair);
        const { searchParams } = await beginAt(pair);
        expect([...searchParams].sort()).toEqual([
          ['client_id', clientId],
          ['request', expect.stringMatching(/^eyJ/)],
          ['response_type', 'code'],
          ['scope', 'openid'],
        ]);
      });
    },
  );

  test('with the key of a client certificate (RFC 8705)', async () => {
    const authority = makeCertificate({ name: 'Clients' });
    const own = makeCertificate({ name: 'web-app', issuer: authority });
    const key = await folder.save(createPrivateKey(own.key));
    const { client, env } = registeredFor('tls_client_auth', key);
    let provider: MutualTlsProvider | undefined;
    const pushed: Record<string, string>[] = [];
    await withPairOf(
      {
        tls: { cert: server.cert, key: server.key, requestCert: false },
        overrides: {
          features: {
            mTLS: { ...readCertificates, enabled: true, tlsClientAuth: true, selfSignedTlsClientAuth: true },
          },
        },
        client: { ...client, tls_client_auth_subject_dn: 'CN=web-app' },
        env: { ...env, OIDC_CLIENT_CERT_FILE: folder.write(own.cert) },
        start: async (options) => {
          provider = await startMutualTlsProvider(server, authority, options);
          return provider;
        },
      },
      async (pair) => {
        const forms = watchForms(pair.provider);
        await expectWholeLife(pair);
        pushed.push(forms[0] ?? {});
      },
    );
    expect(provider?.byAlias).toContain('POST /request');
    expect(pushed.map((form) => Object.keys(form).sort())).toEqual([['client_id', 'request']]);
    await readRequest(pushed[0]?.request, key);
  });
});

describe('what the JWT says of itself', () => {
  const signed = (more: Record<string, string> = {}) => {
    const { client, env } = registeredFor('client_secret_basic', ec);
    return { client, env: { ...env, OIDC_PAR: 'off', ...more } };
  };

  test('typ, kid, iss, aud as one text, ten minutes to live, and another jti each time', async () => {
    await withPairOf(signed(), async (pair) => {
      const requests = [await beginAt(pair), await beginAt(pair)];
      const read = await Promise.all(
        requests.map(({ searchParams }) => readRequest(searchParams.get('request'), ec)),
      );
      const now = Math.floor(Date.now() / 1000);
      for (const { protectedHeader, payload } of read) {
        expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'oauth-authz-req+jwt', kid: ec.jwk.kid });
        expect(payload).toMatchObject({ iss: clientId, aud: pair.provider.issuer, client_id: clientId });
        expect(payload).not.toHaveProperty('sub');
        const { iat = 0, exp = 0 } = payload;
        expect(now - iat).toBeLessThan(5);
        expect(now - iat).toBeGreaterThanOrEqual(0);
        expect(exp - iat).toBe(600);
      }
      for (const name of ['jti', 'state', 'nonce', 'code_challenge']) {
        const values = read.map(({ payload }) => payload[name]);
        expect(new Set(values).size, name).toBe(2);
        for (const value of values) expect(String(value).length, name).toBeGreaterThanOrEqual(22);
      }
    });
  });

  test.each([
    [undefined, 30],
    ['0', 0],
    ['300', 300],
  ])(
    'it is valid for a clock that is behind by OIDC_CLOCK_TOLERANCE_SECONDS=%s, for an hour at most',
    async (set, seconds) => {
      await withPairOf(signed(set ? { OIDC_CLOCK_TOLERANCE_SECONDS: set } : {}), async (pair) => {
        const { searchParams } = await beginAt(pair);
        const { nbf = 0, iat = 0, exp = 0 } = decodeJwt(searchParams.get('request') ?? '');
        expect(iat - nbf).toBe(seconds);
        expect(exp - nbf, 'FAPI 2.0 Message Signing §5.3.1').toBeLessThanOrEqual(3600);
      });
    },
  );

  const algorithms: [
    what: string,
    key: () => Promise<SigningKey>,
    offered: unknown,
    set: string | undefined,
    alg: string,
  ][] = [
    [
      'an RSA key by RS256 where nothing is listed',
      () => folder.save(rsaKey()),
      undefined,
      undefined,
      'RS256',
    ],
    [
      'an RSA key by RS256 where both are listed',
      () => folder.save(rsaKey()),
      ['PS256', 'RS256'],
      undefined,
      'RS256',
    ],
    [
      'an RSA key by PS256 where RS256 is not listed',
      () => folder.save(rsaKey()),
      ['PS256', 'none'],
      undefined,
      'PS256',
    ],
    [
      'an RSA key by OIDC_CLIENT_KEY_ALG, whatever is listed',
      () => folder.save(rsaKey()),
      ['RS256'],
      'PS384',
      'PS384',
    ],
    ['a P-256 key', () => folder.save(ecKey()), ['RS256'], undefined, 'ES256'],
    ['a P-384 key', () => folder.save(ecKey('P-384')), undefined, undefined, 'ES384'],
    ['a P-521 key', () => folder.save(ecKey('P-521')), undefined, undefined, 'ES512'],
    ['an Ed25519 key as EdDSA', () => folder.save(edKey()), undefined, undefined, 'EdDSA'],
    [
      'an Ed25519 key as Ed25519 where only that is listed',
      () => folder.save(edKey()),
      ['Ed25519'],
      undefined,
      'Ed25519',
    ],
    ["a JWK's own alg", () => folder.save(rsaKey(), { alg: 'PS512' }), ['RS256'], undefined, 'PS512'],
    [
      'OIDC_CLIENT_KEY_ALG before it',
      () => folder.save(rsaKey(), { alg: 'PS512' }),
      ['RS256'],
      'RS384',
      'RS384',
    ],
  ];
  test.each(algorithms)('the algorithm: %s', async (_, make, offered, set, alg) => {
    const key = await make();
    const metadata = {
      request_object_signing_alg_values_supported: offered,
      // Says nothing about requests.
      token_endpoint_auth_signing_alg_values_supported: ['PS256', 'ES512'],
    };
    const env = {
      OIDC_REQUEST_OBJECT: 'true',
      OIDC_CLIENT_KEY_FILE: key.file,
      ...(set && { OIDC_CLIENT_KEY_ALG: set }),
    };
    await withPair({ op: { profile: { ...plain, metadata } }, env }, async (pair) => {
      const { searchParams } = await beginAt(pair);
      const request = searchParams.get('request');
      expect(decodeProtectedHeader(request ?? '')).toMatchObject({ alg, kid: key.jwk.kid });
      await readRequest(request, key);
    });
  });

  test('the kid of a JWK is its own', async () => {
    const key = await folder.save(ecKey(), { kid: 'signing-2026' });
    const { client, env } = registeredFor('client_secret_basic', key);
    await withPairOf({ client, env: { ...env, OIDC_PAR: 'off' } }, async (pair) => {
      expect((await pair.signIn('alice')).page.status).toBe(200);
      const { searchParams } = await beginAt(pair);
      expect(decodeProtectedHeader(searchParams.get('request') ?? '').kid).toBe('signing-2026');
    });
  });
});

test('a step-up is signed, too: its max_age and its prompt are inside', async () => {
  const { client, env } = registeredFor('client_secret_basic', ec);
  const routes = {
    mount(app: Express) {
      app.get('/fresh', requireAuth({ maxAgeSeconds: 60 }), (_req, res) => void res.send('fresh'));
    },
  };
  await withPairOf({ client, env: { ...env, OIDC_PAR: 'off' }, routes }, async (pair) => {
    const { browser } = await pair.signIn('alice');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 90_000 });
    try {
      const sentOff = await browser.get(pair.app.url('/fresh'), { follow: false });
      const address = new URL(sentOff.location ?? '');
      expect([...address.searchParams.keys()].sort()).toEqual([
        'client_id',
        'request',
        'response_type',
        'scope',
      ]);
      expect(decodeJwt(address.searchParams.get('request') ?? '')).toMatchObject({
        max_age: 60,
        prompt: 'login',
      });
      const page = await pair.goOn(browser, sentOff, 'alice');
      expect([page.status, page.body]).toEqual([200, 'fresh']);
    } finally {
      vi.useRealTimers();
    }
  });
});
