import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, exportJWK } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { makeCertificate } from './helpers/certificates.ts';
import { type MutualTlsProvider, readCertificates, startMutualTlsProvider } from './helpers/mutual-tls.ts';
import { trustDuringTests } from './helpers/trusted.ts';
import { expectWholeLife, watchForms, withPairOf } from './helpers/whole-life.ts';

// The settings of docs/providers.md, "FAPI 2.0 set of settings", against a provider that has the FAPI 2.0 Security
// Profile on, speaks https only and knows no RS256.

const folder = mkdtempSync(join(tmpdir(), 'fapi-'));
const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
trustDuringTests(server);
afterAll(() => rmSync(folder, { recursive: true }));
function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const algs = ['PS256', 'ES256', 'EdDSA'];
const enabledJWA = {
  idTokenSigningAlgValues: algs,
  userinfoSigningAlgValues: algs,
  clientAuthSigningAlgValues: algs,
  dPoPSigningAlgValues: algs,
};
const fapi = { enabled: true, profile: '2.0' };
const pushed = { enabled: true, requirePushedAuthorizationRequests: true };
const dPoP = { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true };
const settings = {
  OIDC_CLIENT_SECRET: undefined,
  OIDC_CLIENT_AUTH: 'private_key_jwt',
  OIDC_PAR: 'require',
  OIDC_DPOP: 'true',
};

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

async function profile(keys: { privateKey: KeyObject; publicKey: KeyObject }, alg: string) {
  const jwk = await exportJWK(keys.publicKey);
  const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return {
    algs,
    tls: { cert: server.cert, key: server.key, requestCert: false },
    overrides: {
      enabledJWA,
      features: { fapi, dPoP, pushedAuthorizationRequests: pushed },
    },
    client: {
      client_secret: undefined as never,
      token_endpoint_auth_method: 'private_key_jwt',
      id_token_signed_response_alg: alg,
      dpop_bound_access_tokens: true,
      jwks: { keys: [{ ...jwk, use: 'sig', kid: await calculateJwkThumbprint(jwk) }] },
    },
    env: {
      ...settings,
      OIDC_CLIENT_KEY_FILE: file(`${alg}-${jwk.kty}.pem`, pem),
      OIDC_ID_TOKEN_ALG: alg,
    },
  };
}

describe('private_key_jwt, pushed requests and DPoP', () => {
  test.each([
    ['PS256', 'RSA', rsa, 'PS256'],
    ['ES256', 'P-256', ec, 'ES256'],
    ['EdDSA', 'Ed25519', ed, 'EdDSA'],
    ['ES256', 'RSA', rsa, 'PS256'],
  ])('with ID tokens by %s and a client key of kind %s', async (alg, _, keys, signedBy) => {
    await withPairOf(await profile(keys, alg), async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      expect(pair.provider.issuer).toMatch(/^https:/);
      expect(forms).toHaveLength(3);
      for (const { client_assertion = '' } of forms) {
        expect(decodeProtectedHeader(client_assertion).alg).toBe(signedBy);
        expect(decodeJwt(client_assertion).aud).toBe(pair.provider.issuer);
      }
      const [request] = forms;
      expect(request).toMatchObject({ code_challenge_method: 'S256', response_type: 'code' });
      expect(request?.nonce?.length).toBeLessThanOrEqual(64);
    });
  });

  test('a sign-in asks for no more than it needs: the nonce is asked for once', async () => {
    await withPairOf(await profile(ec, 'ES256'), async (pair) => {
      const calls = () => pair.provider.requests.filter((line) => /(\/request|\/token|\/me)$/.test(line));
      await pair.signIn('alice');
      expect(calls()).toEqual(['POST /request', 'POST /token', 'POST /token', 'GET /me']);
      pair.provider.requests.length = 0;
      await pair.signIn('alice');
      expect(calls()).toEqual(['POST /request', 'POST /token', 'GET /me']);
    });
  });

  // So that the profile is known to be on.
  test.each([
    ['without pushing its request', { OIDC_PAR: 'off' }, 'provider_error'],
    ['without a proof', { OIDC_DPOP: 'false' }, 'token_refused'],
  ])('a client %s is refused', async (_, env, reason) => {
    const options = await profile(ec, 'ES256');
    await withPairOf({ ...options, env: { ...options.env, ...env } }, async (pair) => {
      expect((await pair.signIn('alice')).page.status).toBe(502);
      expect(pair.app.events('sign_in.failed')).toMatchObject([{ reason }]);
    });
  });
});

test('a client certificate instead of both: it authenticates, and tokens are bound to it (RFC 8705)', async () => {
  const authority = makeCertificate({ name: 'Clients' });
  const own = makeCertificate({ name: 'web-app', issuer: authority });
  const { overrides, ...options } = await profile(ec, 'ES256');
  const mTLS = {
    ...readCertificates,
    enabled: true,
    tlsClientAuth: true,
    selfSignedTlsClientAuth: true,
    certificateBoundAccessTokens: true,
  };
  const bound: unknown[] = [];
  let provider: MutualTlsProvider | undefined;
  await withPairOf(
    {
      ...options,
      overrides: { ...overrides, features: { ...overrides.features, mTLS } },
      client: {
        client_secret: undefined as never,
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=web-app',
        tls_client_certificate_bound_access_tokens: true,
        id_token_signed_response_alg: 'ES256',
      },
      env: {
        ...options.env,
        OIDC_CLIENT_AUTH: 'tls_client_auth',
        OIDC_CLIENT_KEY_FILE: file('client.key', own.key),
        OIDC_CLIENT_CERT_FILE: file('client.pem', own.cert),
        OIDC_DPOP: 'false',
      },
      start: async (more) => {
        provider = await startMutualTlsProvider(server, authority, more);
        provider.provider.on('access_token.saved', (token: Record<string, unknown>) => {
          bound.push(token['x5t#S256']);
        });
        return provider;
      },
    },
    expectWholeLife,
  );
  expect(provider?.byAlias).toContain('GET /me');
  expect(bound).toEqual([expect.any(String), expect.any(String)]);
});
