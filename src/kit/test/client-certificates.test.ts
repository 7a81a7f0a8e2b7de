import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, exportJWK } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { type ConfigError, loadConfig } from '../config/index.ts';
import { type Certificate, makeCertificate } from './helpers/certificates.ts';
import { entra, homeTenant, plain } from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, expectPlainFailure, withPair } from './helpers/misbehaving-sign-in.ts';
import { expectWholeLife, warningsOf, watchForms, withPairOf } from './helpers/whole-life.ts';

// A certificate with private_key_jwt: the header of an assertion names it (RFC 7515 §4.1.8), and TLS does not show it.

const folder = mkdtempSync(join(tmpdir(), 'client-certificates-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function file(content: string): string {
  const path = join(folder, String(files++));
  writeFileSync(path, content);
  return path;
}

const [first, second, stranger] = [makeCertificate(), makeCertificate(), makeCertificate()];
const env = (keys: Certificate[], certificates: Certificate[], more: Record<string, string> = {}) => ({
  OIDC_CLIENT_AUTH: 'private_key_jwt',
  OIDC_CLIENT_KEY_FILE: keys.map(({ key }) => file(key)).join(),
  OIDC_CLIENT_CERT_FILE: certificates.map(({ cert }) => file(cert)).join(', '),
  ...more,
});
const thumbprintOf = ({ cert }: Certificate) =>
  createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url');

describe('the settings', () => {
  const load = (more: Record<string, string>) =>
    loadConfig({
      OIDC_ISSUER: 'https://login.example.com',
      OIDC_CLIENT_ID: 'app',
      SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
      ...more,
    }).providers[0];
  function problems(more: Record<string, string>): readonly string[] {
    try {
      load(more);
      return [];
    } catch (error) {
      return (error as ConfigError).problems;
    }
  }

  test('give each key the certificate that belongs to it, in whatever order they are named', () => {
    const certificates = (keys: Certificate[], certs: Certificate[]) =>
      load(env(keys, certs)).clientKeys.map(({ cert }) => cert);
    expect(certificates([first, second], [second, first])).toEqual([first.cert, second.cert]);
    expect(certificates([first, second], [second])).toEqual([undefined, second.cert]);
    expect(certificates([first, second], [])).toEqual([undefined, undefined]);
    expect(load(env([first], [first])).clientCert).toBeUndefined();
  });

  test.each<[what: string, settings: Record<string, string>, says: string[]]>([
    ['of no key', env([first], [stranger]), ['OIDC_CLIENT_KEY_FILE and OIDC_CLIENT_CERT_FILE do not belong']],
    [
      'of no key beside a good one',
      env([first, second], [first, stranger]),
      ['OIDC_CLIENT_KEY_FILE and OIDC_CLIENT_CERT_FILE do not belong'],
    ],
    ['twice', env([first], [first, first]), ['OIDC_CLIENT_CERT_FILE names two certificates of one key']],
    [
      'of three',
      env([first, second], [first, second, stranger]),
      [
        'OIDC_CLIENT_CERT_FILE must be one file, or two',
        'OIDC_CLIENT_KEY_FILE and OIDC_CLIENT_CERT_FILE do not belong',
      ],
    ],
    [
      'of nobody knows whose key',
      { ...env([first], [first]), OIDC_CLIENT_KEY_FILE: '/nowhere/key.pem' },
      ['OIDC_CLIENT_KEY_FILE names a file that cannot be read'],
    ],
    [
      'that is a key, or away, beside a key that is away',
      {
        ...env([first], []),
        OIDC_CLIENT_KEY_FILE: '/nowhere/key.pem',
        OIDC_CLIENT_CERT_FILE: `${file(first.key)},/nowhere/cert.pem`,
      },
      [
        'OIDC_CLIENT_KEY_FILE names a file that cannot be read',
        'OIDC_CLIENT_CERT_FILE must name a PEM file with a certificate',
        'OIDC_CLIENT_CERT_FILE names a file that cannot be read',
      ],
    ],
  ])('refuse a certificate %s', (_, settings, says) => {
    const found = problems(settings);
    expect(found.map((problem, index) => problem.slice(0, says[index]?.length))).toEqual(says);
  });
});

describe('at a provider that verifies assertions', () => {
  async function registered(...clients: Certificate[]) {
    const keys = clients.map(async ({ cert }) => {
      const key = await exportJWK(createPublicKey(cert));
      return { ...key, kid: await calculateJwkThumbprint(key), use: 'sig' };
    });
    return {
      token_endpoint_auth_method: 'private_key_jwt' as const,
      client_secret: undefined as never,
      jwks: { keys: await Promise.all(keys) },
    };
  }

  test.each([
    ['with its certificate, the header names it', [first], thumbprintOf(first)],
    ['without one, nothing is named', [], undefined],
  ])('%s', async (_, certificates, x5t) => {
    const settings = { ...env([first], certificates), OIDC_CLIENT_SECRET: undefined };
    await withPairOf({ client: await registered(first), env: settings }, async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      expect(forms).toHaveLength(3);
      for (const { client_assertion = '' } of forms) {
        expect(decodeProtectedHeader(client_assertion)['x5t#S256']).toBe(x5t);
        expect(decodeJwt(client_assertion).aud).toBe(pair.provider.issuer);
      }
    });
  });

  test('the second key, while the provider learns it, goes with its own certificate', async () => {
    const settings = { ...env([first, second], [first, second]), OIDC_CLIENT_SECRET: undefined };
    await withPairOf({ client: await registered(second), env: settings }, async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      for (const { client_assertion = '' } of forms)
        expect(decodeProtectedHeader(client_assertion)['x5t#S256']).toBe(thumbprintOf(second));
      expect(warningsOf(pair.app)).toContain('trying the next');
    });
  });
});

describe('at Microsoft Entra, known by its host', () => {
  const rsa = makeCertificate({
    keys: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    issuer: makeCertificate({ name: 'Authority' }),
  });
  const recipe = { OIDC_CLIENT_KEY_ALG: 'PS256', OIDC_CLIENT_ASSERTION_TYP: 'JWT' };
  const settings = {
    ...env([rsa], [rsa], recipe),
    OIDC_CLIENT_SECRET: '',
    OIDC_ALLOWED_TENANTS: homeTenant,
  };
  const profile = { ...entra, host: 'login.microsoftonline.com' };
  const takesAssertion = () => true;

  test('the audience is the token endpoint without a setting for it, and PS256 signs', () =>
    withPair({ op: { profile, takesAssertion }, env: settings }, async (pair) => {
      await expectHonestSignIn(pair);
      const assertion = pair.op.latest.token?.get('client_assertion') ?? '';
      expect(decodeProtectedHeader(assertion)).toMatchObject({
        alg: 'PS256',
        typ: 'JWT',
        'x5t#S256': thumbprintOf(rsa),
      });
      expect(decodeJwt(assertion).aud).toBe(`${pair.op.origin}/token`);
      // Another audience would not help there, so no line says to set one.
      expect(warningsOf(pair.app)).not.toContain('OIDC_CLIENT_ASSERTION_AUDIENCE');
    }));

  test('so it is sent to the origin of the token endpoint only', () =>
    withPair({ op: { profile: { ...plain, host: 'elsewhere.example.com' } } }, async (elsewhere) => {
      const metadata = {
        ...profile.metadata,
        pushed_authorization_request_endpoint: `${elsewhere.op.origin}/par`,
      };
      const op = { profile: { ...profile, metadata }, takesAssertion };
      await withPair({ op, env: settings }, async ({ app, open }) => {
        expectPlainFailure(await open('/profile'), app);
        expect(warningsOf(app)).toContain(`nothing was sent to ${elsewhere.op.origin}: at this provider`);
        expect(warningsOf(app)).not.toContain('client assertions for the token endpoint are used together');
      });
      expect(elsewhere.op.calls.par).toBe(0);
    }));
});
