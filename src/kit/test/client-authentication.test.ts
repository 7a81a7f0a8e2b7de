import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, exportJWK } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import { afterAll, describe, expect, test } from 'vitest';
import { createLog } from '../log/index.ts';
import { clientAuthentication } from '../provider/client-authentication.ts';
import type { ProviderSettings } from '../provider/settings.ts';
import { type Certificate, makeCertificate } from './helpers/certificates.ts';
import { clientSecret, type startIdentityProvider } from './helpers/identity-provider.ts';
import { type MutualTlsProvider, startMutualTlsProvider } from './helpers/mutual-tls.ts';
import { trustDuringTests } from './helpers/trusted.ts';
import { expectWholeLife, warningsOf, watchForms, withPairOf } from './helpers/whole-life.ts';

// Each way in which this app can prove to a provider that it is itself (OIDC_CLIENT_AUTH), against a provider that
// takes that way and no other: at sign-in, at a refresh and when the refresh token is revoked.

const folder = mkdtempSync(join(tmpdir(), 'client-auth-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function file(content: string | Buffer): string {
  files += 1;
  const path = join(folder, String(files));
  writeFileSync(path, content);
  return path;
}

describe('a client with a secret', () => {
  // Each character of these must be form-encoded before it goes into a Basic header (RFC 6749 §2.3.1).
  const awkward = { client_id: 'web app:1+2%20/=&?', client_secret: `${clientSecret} "\\~'()*!` };
  const settings = { OIDC_CLIENT_ID: awkward.client_id, OIDC_CLIENT_SECRET: awkward.client_secret };

  test.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt'])(
    'proves itself by %s',
    (way) =>
      withPairOf(
        {
          client: { ...awkward, token_endpoint_auth_method: way },
          env: { ...settings, OIDC_CLIENT_AUTH: way },
        },
        async (pair) => {
          const forms = watchForms(pair.provider);
          await expectWholeLife(pair);
          expect(forms).toHaveLength(3);
          // The provider takes a secret in the header and one in the form alike.
          for (const { client_secret, client_assertion = '' } of forms) {
            expect(client_secret).toBe(way === 'client_secret_post' ? awkward.client_secret : undefined);
            expect(client_assertion !== '').toBe(way === 'client_secret_jwt');
            expect(client_assertion).not.toContain(awkward.client_secret);
          }
        },
      ),
  );

  // RFC 6749 appendix B. Servers that do not decode see the id as it is, as long as nothing in it needs encoding.
  test('encodes id and secret for a Basic header as a form does, and nothing more', () => {
    const [way] = clientAuthentication(
      {
        clientAuth: 'client_secret_basic',
        clientSecret: 'a-b_c.d*e~f g:é',
        clientKeys: [],
      } as unknown as ProviderSettings,
      createLog('silent'),
    );
    const sent = (client_id: string) => {
      const headers = new Headers();
      way?.auth({ issuer: 'https://op.example' }, { client_id }, new URLSearchParams(), headers);
      return Buffer.from(headers.get('authorization')?.replace('Basic ', '') ?? '', 'base64').toString();
    };
    expect(sent('my-app')).toBe('my-app:a-b_c.d*e%7Ef+g%3A%C3%A9');
    for (let code = 0x20; code < 0x7f; code += 1) {
      const character = String.fromCharCode(code);
      const stays = /[A-Za-z0-9*._-]/.test(character);
      const encoded = `%${code.toString(16).toUpperCase()}`;
      expect(sent(character).split(':')[0]).toBe(stays ? character : code === 0x20 ? '+' : encoded);
    }
  });

  test('whose secret is wrong is distinguished in the log, and shown nothing of it', () =>
    withPairOf({ env: { OIDC_CLIENT_SECRET: 'not the secret', OIDC_PAR: 'off' } }, async (pair) => {
      const { page } = await pair.signIn('alice');
      expect(page.status).toBe(502);
      expect(pair.app.events('sign_in.failed')).toMatchObject([
        { reason: 'token_refused', hint: expect.stringContaining('invalid_client: OIDC_CLIENT_ID') },
      ]);
      expect(JSON.stringify(pair.app.lines)).not.toContain('not the secret');
    }));
});

describe('private_key_jwt', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  const pem = ({ privateKey }: Keys) => file(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const jwk = ({ privateKey }: Keys, more: object) =>
    file(JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...more }));

  /** What to register at the provider: a PEM file's key goes by its thumbprint (RFC 7638). */
  async function registered(keys: Keys[], more: object[] = []): Promise<Partial<ClientMetadata>> {
    const jwks = keys.map(async ({ publicKey }, index) => {
      const key = await exportJWK(publicKey);
      return { ...key, kid: await calculateJwkThumbprint(key), use: 'sig', ...more[index] };
    });
    return {
      token_endpoint_auth_method: 'private_key_jwt',
      client_secret: undefined as never,
      jwks: { keys: await Promise.all(jwks) },
    };
  }

  const env = (path: string, more: Record<string, string> = {}) => ({
    OIDC_CLIENT_SECRET: undefined,
    OIDC_CLIENT_AUTH: 'private_key_jwt',
    OIDC_CLIENT_KEY_FILE: path,
    ...more,
  });

  test.each([
    ['RSA', rsa, 'RS256'],
    ['P-256', ec, 'ES256'],
    ['Ed25519', ed, 'EdDSA'],
  ])('signs with a %s key from a PEM file, named by its thumbprint', async (_, keys, alg) => {
    const client = { ...(await registered([keys])), token_endpoint_auth_signing_alg: alg };
    await withPairOf({ client, env: env(pem(keys)) }, async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      const assertions = forms.map((form) => form.client_assertion ?? '');
      expect(assertions).toHaveLength(3);
      const kid = await calculateJwkThumbprint(await exportJWK(keys.publicKey));
      for (const assertion of assertions) {
        expect(decodeProtectedHeader(assertion)).toMatchObject({ alg, kid });
        const { aud, iss, sub, exp = 0, iat = 0 } = decodeJwt(assertion);
        // One audience, as text: the issuer (FAPI 2.0 §5.3.3.1).
        expect([aud, iss, sub]).toEqual([pair.provider.issuer, 'web-app', 'web-app']);
        expect(exp - iat).toBeLessThanOrEqual(300);
      }
      expect(new Set(assertions.map((assertion) => decodeJwt(assertion).jti)).size).toBe(assertions.length);
    });
  });

  test('takes kid and algorithm from a JWK file', async () => {
    const named = { kid: 'key of 2026', alg: 'PS256' };
    const client = await registered([rsa], [named]);
    await withPairOf({ client, env: env(jwk(rsa, named)) }, async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      expect(forms).toHaveLength(3);
      for (const form of forms)
        expect(decodeProtectedHeader(form.client_assertion ?? '')).toMatchObject(named);
    });
  });

  test.each(['RS256', 'ES256'])('signs as before where ID tokens are signed with %s', async (alg) => {
    const client = { ...(await registered([rsa])), token_endpoint_auth_signing_alg: 'RS256' };
    await withPairOf(
      { client, algs: [alg], env: env(pem(rsa), { OIDC_ID_TOKEN_ALG: alg }) },
      expectWholeLife,
    );
  });

  test('signs with the algorithm of OIDC_CLIENT_KEY_ALG', async () => {
    const client = { ...(await registered([rsa])), token_endpoint_auth_signing_alg: 'PS256' };
    await withPairOf({ client, env: env(pem(rsa), { OIDC_CLIENT_KEY_ALG: 'PS256' }) }, expectWholeLife);
  });

  describe('with a second key, while the provider learns it', () => {
    const both = () => env(`${pem(ec)},${pem(ed)}`);

    test('uses the first alone where the provider knows it', async () => {
      await withPairOf({ client: await registered([ec]), env: both() }, async (pair) => {
        await expectWholeLife(pair);
        expect(warningsOf(pair.app)).not.toContain('trying the next');
      });
    });

    test.each(['auto', 'off'])('goes on with it where the first is not known (PAR %s)', async (OIDC_PAR) => {
      const options = { client: await registered([ed]), env: { ...both(), OIDC_PAR } };
      await withPairOf(options, async (pair) => {
        await expectWholeLife(pair);
        expect(warningsOf(pair.app)).toContain('trying the next');
      });
    });

    test('calls an API that says 401 once only: its no has nothing to do with our keys', async () => {
      let calls = 0;
      const api = createServer((_req, res) => {
        calls += 1;
        res.writeHead(401, { 'www-authenticate': 'Bearer realm="notes"' }).end('{}');
      }).listen(0, '127.0.0.1');
      await once(api, 'listening');
      const API_URL = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
      await withPairOf({ client: await registered([ec]), env: { ...both(), API_URL } }, async (pair) => {
        const { page } = await pair.signIn('alice', '/api-data');
        expect([page.status, calls]).toEqual([200, 1]);
        expect(warningsOf(pair.app)).not.toContain('trying the next');
      }).finally(() => api.close());
    });

    test('signs nobody in where neither is known', async () => {
      const options = { client: await registered([rsa]), env: { ...both(), OIDC_PAR: 'off' } };
      await withPairOf(options, async (pair) => {
        expect((await pair.signIn('alice')).page.status).toBe(502);
        expect(pair.app.events('sign_in.failed')).toMatchObject([{ reason: 'token_refused' }]);
      });
    });
  });
});

describe('a client with a certificate', () => {
  const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
  const authority = makeCertificate({ name: 'Clients of this provider' });
  const issued = makeCertificate({ name: 'web-app', issuer: authority });
  const own = makeCertificate({ name: 'web-app' });
  trustDuringTests(server);

  function setup(way: string, shown: Certificate, client: Partial<ClientMetadata>) {
    let provider: MutualTlsProvider | undefined;
    return {
      asked: () => provider?.byAlias,
      options: {
        client: { token_endpoint_auth_method: way, client_secret: undefined as never, ...client },
        env: {
          OIDC_CLIENT_SECRET: undefined,
          OIDC_CLIENT_AUTH: way,
          OIDC_CLIENT_KEY_FILE: file(shown.key),
          OIDC_CLIENT_CERT_FILE: file(shown.cert),
        },
        start: async (more: Parameters<typeof startIdentityProvider>[0] = {}) => {
          provider = await startMutualTlsProvider(server, authority, more);
          return provider;
        },
      },
    };
  }
  const byName = { tls_client_auth_subject_dn: 'CN=web-app' };
  const byKey = async ({ cert }: Certificate) => {
    const key = await exportJWK(createPublicKey(cert));
    const x5c = [cert.replace(/-----[^-]+-----|\s/g, '')];
    return { jwks: { keys: [{ ...key, x5c, kid: 'own', use: 'sig' }] } };
  };
  const aliases = ['POST /request', 'POST /token', 'GET /me', 'POST /token', 'POST /token/revocation'];

  test('from an authority proves itself by it, at the endpoints that ask for one', async () => {
    const { options, asked } = setup('tls_client_auth', issued, byName);
    await withPairOf(options, async (pair) => {
      await expectWholeLife(pair);
      expect(asked()).toEqual(aliases);
      for (const line of aliases) expect(pair.provider.requests).not.toContain(line);
    });
  });

  test('of its own proves itself by the key that the provider was given', async () => {
    const { options, asked } = setup('self_signed_tls_client_auth', own, await byKey(own));
    await withPairOf(options, async (pair) => {
      await expectWholeLife(pair);
      expect(asked()).toEqual(aliases);
    });
  });

  test.each([
    ['of nobody that the provider trusts', 'tls_client_auth', own, async () => byName],
    [
      'with another name',
      'tls_client_auth',
      issued,
      async () => ({ tls_client_auth_subject_dn: 'CN=other' }),
    ],
    ['with another key', 'self_signed_tls_client_auth', own, () => byKey(makeCertificate())],
  ])('%s signs nobody in', async (_, way, shown, client) => {
    const { options } = setup(way, shown, await client());
    await withPairOf({ ...options, env: { ...options.env, OIDC_PAR: 'off' } }, async (pair) => {
      expect((await pair.signIn('alice')).page.status).toBe(502);
      expect(pair.app.events('sign_in.failed')).toMatchObject([{ reason: 'token_refused' }]);
    });
  });
});

interface Keys {
  privateKey: KeyObject;
  publicKey: KeyObject;
}
