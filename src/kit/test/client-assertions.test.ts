import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, exportJWK } from 'jose';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { plain } from './helpers/misbehaving-profiles.ts';
import {
  expectHonestSignIn,
  expectPlainFailure,
  type Pair,
  reasons,
  withPair,
} from './helpers/misbehaving-sign-in.ts';
import { expectWholeLife, watchForms, withPairOf } from './helpers/whole-life.ts';

// What a client assertion (RFC 7523) says and where it goes: servers differ in the audience, the typ and the algorithm
// that they take.
vi.setConfig({ maxConcurrency: 8 });

const folder = mkdtempSync(join(tmpdir(), 'client-assertions-'));
afterAll(() => rmSync(folder, { recursive: true }));
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const rsaFile = pemFile('rsa.pem', rsa.privateKey);
const edFile = pemFile('ed.pem', ed.privateKey);

function pemFile(name: string, key: KeyObject): string {
  writeFileSync(join(folder, name), key.export({ type: 'pkcs8', format: 'pem' }));
  return join(folder, name);
}

const env = { OIDC_CLIENT_SECRET: '', OIDC_CLIENT_AUTH: 'private_key_jwt', OIDC_CLIENT_KEY_FILE: rsaFile };
const forTokenEndpoint = { ...env, OIDC_CLIENT_ASSERTION_AUDIENCE: 'token_endpoint' };
/** A provider that takes any assertion, so that one can look at it. */
const takesAssertion = () => true;
const knowing = (metadata: Record<string, unknown>) => ({ takesAssertion, profile: { ...plain, metadata } });

describe.concurrent('audience and typ, at a provider that verifies them', () => {
  const types = [undefined, 'JWT', 'client-authentication+jwt'];
  const cases = ['private_key_jwt', 'client_secret_jwt'].flatMap((way) =>
    [undefined, 'issuer', 'token_endpoint'].flatMap((audience) =>
      types.map((typ) => [way, audience, typ] as const),
    ),
  );
  test.each(cases)('%s, audience %s, typ %s', async (way, audience, typ) => {
    const key = await exportJWK(rsa.publicKey);
    const jwks = { keys: [{ ...key, kid: await calculateJwkThumbprint(key), use: 'sig' }] };
    const byKey = way === 'private_key_jwt';
    const client = {
      token_endpoint_auth_method: way,
      ...(byKey && { client_secret: undefined as never, jwks }),
    };
    const settings = {
      OIDC_CLIENT_AUTH: way,
      ...(byKey && { OIDC_CLIENT_SECRET: undefined, OIDC_CLIENT_KEY_FILE: rsaFile }),
      OIDC_CLIENT_ASSERTION_AUDIENCE: audience,
      OIDC_CLIENT_ASSERTION_TYP: typ,
    };
    await withPairOf({ client, env: settings }, async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      const { issuer } = pair.provider;
      expect(forms).toHaveLength(3);
      for (const { client_assertion = '' } of forms) {
        expect(decodeJwt(client_assertion).aud).toBe(
          audience === 'token_endpoint' ? `${issuer}/token` : issuer,
        );
        expect(decodeProtectedHeader(client_assertion).typ).toBe(typ);
      }
    });
  });
});

describe.concurrent('an assertion for the token endpoint', () => {
  test('is not pushed to another origin: the sign-in says what to set instead', () =>
    withStranger(async (stranger) => {
      const op = knowing({ pushed_authorization_request_endpoint: `${stranger.origin}/par` });
      await withPair({ op, env: forTokenEndpoint }, async ({ app, open }) => {
        expectPlainFailure(await open('/profile'), app);
        expect(app.events('sign_in.failed')).toMatchObject([
          { hint: expect.stringContaining(`nothing was sent to ${stranger.origin}`) },
        ]);
      });
      expect(stranger.requests).toEqual([]);
    }));

  test('is not taken to the revocation endpoint of another origin; the sign-out goes on', () =>
    withStranger(async (stranger) => {
      const op = knowing({ revocation_endpoint: `${stranger.origin}/revoke` });
      await withPair({ op, env: forTokenEndpoint }, async (pair) => {
        const page = await expectHonestSignIn(pair);
        const last = await pair.browser.submit(page);
        expect(last.url.split('?')[0]).toBe(pair.app.url('/signed-out'));
        const said = pair.app.lines.find(({ msg }) => msg.includes('could not be revoked'));
        expect(said?.hint).toContain(`nothing was sent to ${stranger.origin}`);
      });
      expect(stranger.requests).toEqual([]);
    }));

  test('goes anywhere when it is for the issuer', () =>
    withStranger(async (stranger) => {
      const op = knowing({ revocation_endpoint: `${stranger.origin}/revoke` });
      await withPair({ op, env }, async (pair) => {
        await pair.browser.submit(await expectHonestSignIn(pair));
      });
      expect(stranger.requests).toEqual(['POST /revoke']);
    }));

  const warned: [name: string, more: Record<string, string>, par: boolean, warnings: number][] = [
    ['where nothing else is on', {}, false, 0],
    ['where the provider offers PAR', {}, true, 1],
    ['where PAR is off', { OIDC_PAR: 'off' }, true, 0],
    ['where PAR is required', { OIDC_PAR: 'require' }, true, 1],
    ['with DPoP', { OIDC_DPOP: 'true' }, false, 1],
    ['with DPoP and PAR', { OIDC_DPOP: 'true', OIDC_PAR: 'require' }, true, 1],
    ['when it is for the issuer', { OIDC_CLIENT_ASSERTION_AUDIENCE: 'issuer', OIDC_DPOP: 'true' }, true, 0],
  ];
  test.each(warned)('is warned of at the start %s (%j, PAR offered: %s): %i', (_, more, par, warnings) =>
    withPair(
      { op: { par, takesAssertion }, env: { ...forTokenEndpoint, ...more } },
      async ({ app, browser }) => {
        await browser.get(app.url('/auth/login'), { follow: false });
        const lines = app.lines.filter(({ msg }) =>
          msg.startsWith('client assertions for the token endpoint'),
        );
        expect(lines.map(({ level }) => level)).toEqual(Array(warnings).fill('warn'));
      },
    ),
  );
});

describe.concurrent('the algorithm of the client key', () => {
  const algorithmOf = ({ op }: Pair) =>
    decodeProtectedHeader(op.latest.token?.get('client_assertion') ?? '').alg;
  const jwkFile = join(folder, 'rsa.jwk');
  writeFileSync(jwkFile, JSON.stringify({ ...rsa.privateKey.export({ format: 'jwk' }), alg: 'PS384' }));

  const cases: [what: string, offered: unknown, more: Record<string, string>, alg: string][] = [
    ['RS256 where the metadata says nothing', undefined, {}, 'RS256'],
    ['RS256 where it is listed', ['PS256', 'RS256', 'ES256'], {}, 'RS256'],
    ['PS256 where RS256 is not listed', ['ES256', 'PS256', 'EdDSA'], {}, 'PS256'],
    ['another that is listed', ['PS512', 'ES256'], {}, 'PS512'],
    ['RS256 where nothing fits', ['ES256'], {}, 'RS256'],
    ['RS256 where the metadata is no list', 'PS256', {}, 'RS256'],
    ['the alg of a JWK', ['RS256'], { OIDC_CLIENT_KEY_FILE: jwkFile }, 'PS384'],
    ['the setting', ['RS256'], { OIDC_CLIENT_KEY_ALG: 'PS256' }, 'PS256'],
    [
      'the setting over a JWK',
      undefined,
      { OIDC_CLIENT_KEY_FILE: jwkFile, OIDC_CLIENT_KEY_ALG: 'RS512' },
      'RS512',
    ],
    ['EdDSA for Ed25519', undefined, { OIDC_CLIENT_KEY_FILE: edFile }, 'EdDSA'],
    [
      'EdDSA for Ed25519 where both are listed',
      ['Ed25519', 'EdDSA'],
      { OIDC_CLIENT_KEY_FILE: edFile },
      'EdDSA',
    ],
    ['Ed25519 where EdDSA is not listed', ['RS256', 'Ed25519'], { OIDC_CLIENT_KEY_FILE: edFile }, 'Ed25519'],
    [
      'Ed25519 where it is set',
      ['EdDSA'],
      { OIDC_CLIENT_KEY_FILE: edFile, OIDC_CLIENT_KEY_ALG: 'Ed25519' },
      'Ed25519',
    ],
  ];
  test.each(cases)('is %s (%j)', (_, offered, more, alg) => {
    const op = knowing({ token_endpoint_auth_signing_alg_values_supported: offered });
    return withPair({ op, env: { ...env, ...more } }, async (pair) => {
      await expectHonestSignIn(pair);
      expect(algorithmOf(pair)).toBe(alg);
    });
  });

  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)('has nothing to do with ID tokens by %s', (alg) =>
    withPair({ op: { alg, takesAssertion }, env: { ...env, OIDC_ID_TOKEN_ALG: alg } }, async (pair) => {
      await expectHonestSignIn(pair);
      expect([algorithmOf(pair), reasons(pair.app)]).toEqual(['RS256', []]);
    }),
  );
});

/** A server of another origin, which is asked for nothing. */
async function withStranger(
  use: (stranger: { origin: string; requests: string[] }) => Promise<void>,
): Promise<void> {
  const requests: string[] = [];
  const server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url}`);
    res.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await use({ origin: `http://127.0.0.1:${port}`, requests });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
