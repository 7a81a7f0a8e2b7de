import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../config/index.ts';
import { beginTrust, boundEnv, issued } from './helpers/certificate-bound.ts';

// What goes together with it and what does not, each in one sentence.

const endTrust = beginTrust();
afterAll(endTrust);

const [first, second] = [issued(), issued()];

const base = {
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'app',
  SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
};
const load = (more: Record<string, string | undefined>) => loadConfig({ ...base, ...more }).providers[0];

function problems(more: Record<string, string | undefined>): readonly string[] {
  try {
    load(more);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

describe('OIDC_CERTIFICATE_BOUND_TOKENS=true', () => {
  test('shows the certificate of the first key, whatever order certificates are named in', () => {
    const { OIDC_CLIENT_CERT_FILE } = boundEnv([second, first]);
    const provider = load({ ...boundEnv([first, second]), OIDC_CLIENT_CERT_FILE });
    expect([provider.certificateBoundTokens, provider.clientCert]).toEqual([true, first.cert]);
    expect(provider.clientKeys.map(({ pem }) => pem)).toEqual([first.key, second.key]);
    const { OIDC_CLIENT_CERT_FILE: one } = boundEnv([first]);
    expect(load({ ...boundEnv([first, second]), OIDC_CLIENT_CERT_FILE: one }).clientCert).toBe(first.cert);
    expect(load(boundEnv([first], { OIDC_CERTIFICATE_BOUND_TOKENS: 'false' })).clientCert).toBeUndefined();
  });

  const secret = { OIDC_CLIENT_SECRET: 'c1ient-s3cret-value' };
  const withoutFiles = { OIDC_CLIENT_KEY_FILE: undefined, OIDC_CLIENT_CERT_FILE: undefined };
  const wrongWay = (way: string) =>
    `OIDC_CERTIFICATE_BOUND_TOKENS needs OIDC_CLIENT_AUTH=private_key_jwt, and it is ${way}.`;
  const anyway = (way: string) =>
    `OIDC_CERTIFICATE_BOUND_TOKENS has no effect with OIDC_CLIENT_AUTH=${way}, which shows the certificate anyway: remove it.`;

  test.each<[what: string, settings: Record<string, string | undefined>, says: string[]]>([
    [
      'without a certificate',
      { OIDC_CLIENT_CERT_FILE: undefined },
      ['OIDC_CLIENT_CERT_FILE is missing. OIDC_CERTIFICATE_BOUND_TOKENS=true needs it.'],
    ],
    [
      'with the certificate of the second key only',
      {
        ...boundEnv([first, second]),
        OIDC_CLIENT_CERT_FILE: boundEnv([second]).OIDC_CLIENT_CERT_FILE,
      },
      [
        'OIDC_CLIENT_CERT_FILE has no certificate of the first key in OIDC_CLIENT_KEY_FILE, and OIDC_CERTIFICATE_BOUND_TOKENS=true shows that one: add it.',
      ],
    ],
    [
      "with another key's certificate",
      { OIDC_CLIENT_CERT_FILE: boundEnv([second]).OIDC_CLIENT_CERT_FILE },
      [
        "OIDC_CLIENT_KEY_FILE and OIDC_CLIENT_CERT_FILE do not belong together: the key is not the certificate's.",
      ],
    ],
    [
      'with a certificate that is away',
      { OIDC_CLIENT_CERT_FILE: '/nowhere/cert.pem' },
      [expect.stringMatching(/^OIDC_CLIENT_CERT_FILE names a file that cannot be read/)],
    ],
    [
      'with OIDC_DPOP',
      { OIDC_DPOP: 'true' },
      [
        'OIDC_CERTIFICATE_BOUND_TOKENS and OIDC_DPOP are both true: tokens are bound to the certificate or to a DPoP key. Keep one of them.',
      ],
    ],
    [
      'with a secret (basic)',
      { ...secret, ...withoutFiles, OIDC_CLIENT_AUTH: undefined },
      [wrongWay('client_secret_basic')],
    ],
    [
      'with a secret (post)',
      { ...secret, ...withoutFiles, OIDC_CLIENT_AUTH: 'client_secret_post' },
      [wrongWay('client_secret_post')],
    ],
    [
      'with a secret (jwt)',
      { ...secret, ...withoutFiles, OIDC_CLIENT_AUTH: 'client_secret_jwt' },
      [wrongWay('client_secret_jwt')],
    ],
    [
      "with the platform's token",
      { ...withoutFiles, OIDC_CLIENT_AUTH: 'workload_identity', OIDC_CLIENT_ASSERTION_FILE: '/run/token' },
      [wrongWay('workload_identity')],
    ],
    ['with tls_client_auth', { OIDC_CLIENT_AUTH: 'tls_client_auth' }, [anyway('tls_client_auth')]],
    [
      'with self_signed_tls_client_auth',
      { OIDC_CLIENT_AUTH: 'self_signed_tls_client_auth' },
      [anyway('self_signed_tls_client_auth')],
    ],
    [
      'with an http issuer',
      { OIDC_ISSUER: 'http://localhost:9000' },
      ['OIDC_CERTIFICATE_BOUND_TOKENS=true needs an https OIDC_ISSUER: a certificate is shown in TLS.'],
    ],
    [
      'with an http internal address',
      { OIDC_INTERNAL_URL: 'http://provider.internal' },
      ['OIDC_CERTIFICATE_BOUND_TOKENS=true needs an https OIDC_INTERNAL_URL: a certificate is shown in TLS.'],
    ],
    [
      'that is neither true nor false',
      { OIDC_CERTIFICATE_BOUND_TOKENS: 'yes' },
      [expect.stringMatching(/^OIDC_CERTIFICATE_BOUND_TOKENS must be .*true.*false/)],
    ],
    [
      'with all of it at once',
      {
        OIDC_ISSUER: 'http://localhost:9000',
        OIDC_INTERNAL_URL: 'http://provider.internal',
        OIDC_CLIENT_CERT_FILE: undefined,
        OIDC_DPOP: 'true',
      },
      [
        'OIDC_CLIENT_CERT_FILE is missing. OIDC_CERTIFICATE_BOUND_TOKENS=true needs it.',
        'OIDC_CERTIFICATE_BOUND_TOKENS=true needs an https OIDC_ISSUER: a certificate is shown in TLS.',
        'OIDC_CERTIFICATE_BOUND_TOKENS and OIDC_DPOP are both true: tokens are bound to the certificate or to a DPoP key. Keep one of them.',
        'OIDC_CERTIFICATE_BOUND_TOKENS=true needs an https OIDC_INTERNAL_URL: a certificate is shown in TLS.',
      ],
    ],
  ])('is refused %s', (_, settings, says) => {
    expect([...problems({ ...boundEnv([first]), ...settings })].sort()).toEqual([...says].sort());
  });

  test('is refused by the full name where there are several providers', () => {
    const { OIDC_CLIENT_SECRET: _, ...work } = boundEnv([first], { OIDC_CLIENT_CERT_FILE: undefined });
    const named = Object.entries(work).map(([name, value]) => [name.replace('OIDC_', 'OIDC_WORK_'), value]);
    expect(
      problems({
        ...{ OIDC_ISSUER: undefined, OIDC_CLIENT_ID: undefined, OIDC_PROVIDERS: 'work,google' },
        ...{ OIDC_WORK_ISSUER: base.OIDC_ISSUER, OIDC_WORK_CLIENT_ID: 'app', ...Object.fromEntries(named) },
        ...{ OIDC_GOOGLE_ISSUER: 'https://accounts.example.com', OIDC_GOOGLE_CLIENT_ID: 'app' },
        ...{ OIDC_GOOGLE_CLIENT_SECRET: 'c1ient-s3cret-value' },
      }),
    ).toEqual(['OIDC_WORK_CLIENT_CERT_FILE is missing. OIDC_WORK_CERTIFICATE_BOUND_TOKENS=true needs it.']);
  });
});
