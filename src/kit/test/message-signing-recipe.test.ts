import { spawnSync } from 'node:child_process';
import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseEnv } from 'node:util';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, exportJWK } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { everySignature } from '../dev/provider-config.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { codeBlocks, kitDoc } from './helpers/docs.ts';
import { type MutualTlsProvider, readCertificates, startMutualTlsProvider } from './helpers/mutual-tls.ts';
import { findOpenssl } from './helpers/programs.ts';
import { trustDuringTests } from './helpers/trusted.ts';
import { expectWholeLife, warningsOf, watchForms, withPairOf } from './helpers/whole-life.ts';

// docs/providers.md, "FAPI 2.0 Message Signing" and "Tokens bound to a certificate": its commands make the keys, its
// settings and its registration sign in. Where an app's owner has changed the page, it is theirs.

const text = kitDoc('docs/providers.md');
const openssl = findOpenssl();
const folder = mkdtempSync(join(tmpdir(), 'recipe-'));
const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
trustDuringTests(server);
afterAll(() => rmSync(folder, { recursive: true }));

/** The blocks of a recipe; its commands have been run, and its settings name the files that came of that. */
function recipe(title: string) {
  // By its rank alone: comments in the settings look like headings of the first.
  const section = text?.split(/^## /m).find((one) => one.startsWith(`${title}\n`));
  const blocks = codeBlocks(section ?? '');
  const block = (language: string) => blocks.find((one) => one.language === language)?.code ?? '';
  for (const line of block('sh').trim().split('\n')) {
    const [, ...args] = line.split(' ');
    const { status, stderr } = spawnSync(openssl ?? '', args, { cwd: folder, encoding: 'utf8' });
    expect(status, `${line}\n${stderr}`).toBe(0);
  }
  const { BASE_URL: _, OIDC_ISSUER: __, OIDC_CLIENT_ID: ___, ...settings } = parseEnv(block('ini'));
  const env = Object.entries(settings).map(([name, value = '']) => [
    name,
    name.endsWith('_FILE') ? join(folder, basename(value)) : value,
  ]);
  return {
    env: { OIDC_CLIENT_SECRET: undefined, ...Object.fromEntries(env) } as Record<string, string | undefined>,
    client: JSON.parse(block('json') || '{}'),
  };
}

async function publicKey(path: string | undefined, use: string) {
  const jwk = await exportJWK(createPublicKey(readFileSync(path ?? '')));
  return { ...jwk, use, kid: await calculateJwkThumbprint(jwk) };
}

const algs = ['PS256', 'ES256', 'EdDSA'];
const features = {
  fapi: { enabled: true, profile: '2.0' },
  dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
};
const byKey = { client_secret: undefined as never, token_endpoint_auth_method: 'private_key_jwt' };

describe.skipIf(!text || !openssl)('the recipe for', { timeout: 60_000 }, () => {
  test('FAPI 2.0 Message Signing makes the keys, and signs in, refreshes and signs out', async () => {
    const { env, client } = recipe('FAPI 2.0 Message Signing');
    const keys = [
      await publicKey(env.OIDC_CLIENT_KEY_FILE, 'sig'),
      await publicKey(env.OIDC_DECRYPTION_KEY_FILE, 'enc'),
    ];
    const pushed = { enabled: true, requirePushedAuthorizationRequests: true };
    const options = {
      algs,
      env,
      tls: { cert: server.cert, key: server.key, requestCert: false },
      overrides: {
        enabledJWA: allOf(algs),
        features: { ...features, pushedAuthorizationRequests: pushed },
      },
      client: { ...byKey, ...client, dpop_bound_access_tokens: true, jwks: { keys } },
    };
    await withPairOf(options, async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      const [pushedForm] = forms;
      expect(decodeProtectedHeader(pushedForm?.request ?? '').alg).toBe('PS256');
      expect(decodeJwt(pushedForm?.request ?? '')).toMatchObject({ response_mode: 'jwt' });
      expect(pushedForm).not.toHaveProperty('redirect_uri');
    });
    // So that the provider is known to have registered it.
    for (const [setting, reason] of [
      ['OIDC_DECRYPTION_KEY_FILE', 'id_token_encrypted'],
      ['OIDC_REQUEST_OBJECT', 'provider_error'],
    ] as const) {
      await withPairOf({ ...options, env: { ...env, [setting]: undefined } }, async (pair) => {
        // A pushed request fails before the browser is sent on.
        await pair.signIn('alice').catch(() => undefined);
        expect(pair.app.events('sign_in.failed'), warningsOf(pair.app)).toMatchObject([{ reason }]);
      });
    }
  });

  test('tokens bound to a certificate makes both, and binds each token', async () => {
    const { env } = recipe('Tokens bound to a certificate');
    expect(readdirSync(folder)).toContain('client-cert.pem');
    const bound: unknown[] = [];
    let provider: MutualTlsProvider | undefined;
    const mTLS = {
      ...{ ...readCertificates, enabled: true, certificateBoundAccessTokens: true },
      ...{ tlsClientAuth: true, selfSignedTlsClientAuth: true },
    };
    await withPairOf(
      {
        algs: ['RS256'],
        env,
        overrides: { features: { mTLS } },
        client: {
          ...byKey,
          tls_client_certificate_bound_access_tokens: true,
          jwks: { keys: [await publicKey(env.OIDC_CLIENT_KEY_FILE, 'sig')] },
        },
        start: async (more) => {
          provider = await startMutualTlsProvider(server, makeCertificate(), more);
          provider.provider.on('access_token.saved', (token: Record<string, unknown>) => {
            bound.push(token['x5t#S256']);
          });
          return provider;
        },
      },
      expectWholeLife,
    );
    expect(bound).toEqual([expect.any(String), expect.any(String)]);
    expect(provider?.byAlias).toContain('GET /me');
  });
});

function allOf(allowed: string[]) {
  return Object.fromEntries(Object.keys(everySignature).map((name) => [name, allowed]));
}
