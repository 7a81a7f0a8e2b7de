import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../config/index.ts';
import { makeCertificate } from './helpers/certificates.ts';

const two = {
  SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
  OIDC_PROVIDERS: 'work,google',
  OIDC_WORK_ISSUER: 'https://login.example.com',
  OIDC_WORK_CLIENT_ID: 'app',
  OIDC_WORK_CLIENT_SECRET: 'c1ient-s3cret-at-work',
  OIDC_GOOGLE_ISSUER: 'https://accounts.example.net',
  OIDC_GOOGLE_CLIENT_ID: 'app-at-google',
  OIDC_GOOGLE_CLIENT_SECRET: 'c1ient-s3cret-at-google',
};
const organizations = 'https://login.microsoftonline.com/organizations/v2.0';
const tenant = '11111111-2222-3333-4444-555555555555';

const folder = mkdtempSync(join(tmpdir(), 'config-providers-'));
afterAll(() => rmSync(folder, { recursive: true }));
function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

type Env = Record<string, string | undefined>;

/** What is wrong with the two providers' settings after these changes; `undefined` takes one out. */
function problemsOf(changes: Env, site: Parameters<typeof loadConfig>[1] = {}): readonly string[] {
  try {
    loadConfig({ ...two, ...changes }, site);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

function providersOf(changes: Env = {}) {
  return loadConfig({ ...two, ...changes }).providers;
}

describe('each provider', () => {
  test('has its own settings, in the order of OIDC_PROVIDERS', () => {
    expect(providersOf()).toMatchObject([
      {
        ...{ name: 'work', named: true, issuer: 'https://login.example.com', clientId: 'app' },
        clientSecret: 'c1ient-s3cret-at-work',
      },
      {
        ...{ name: 'google', named: true, issuer: 'https://accounts.example.net', clientId: 'app-at-google' },
        clientSecret: 'c1ient-s3cret-at-google',
      },
    ]);
    const [first] = providersOf({ OIDC_PROVIDERS: 'google, work' });
    expect(first.name).toBe('google');
  });

  test('shares what is set without a name, and what it sets itself comes first', () => {
    const all = providersOf({ OIDC_SCOPE: 'openid', OIDC_WORK_SCOPE: 'openid groups', OIDC_DPOP: 'true' });
    expect(all).toMatchObject([
      { scope: 'openid groups', dpop: true },
      { scope: 'openid', dpop: true },
    ]);
  });

  test('can have everything set for itself that one provider can', () => {
    const [work, google] = providersOf({
      ...{ BASE_URL: 'https://app.example.com', REDIS_URL: 'rediss://redis.example.com' },
      ...{ OIDC_GOOGLE_CLIENT_AUTH: 'client_secret_jwt', OIDC_GOOGLE_ID_TOKEN_ALG: 'ES256' },
      ...{ OIDC_GOOGLE_PAR: 'require', OIDC_GOOGLE_RESPONSE_MODE: 'form_post', OIDC_GOOGLE_DPOP: 'true' },
      ...{ OIDC_GOOGLE_PROMPT: 'consent', OIDC_GOOGLE_ACR_VALUES: 'mfa', OIDC_GOOGLE_MAX_AGE: '60' },
      ...{ OIDC_GOOGLE_UI_LOCALES: 'de', OIDC_GOOGLE_USERINFO: 'false', OIDC_GOOGLE_AUDIENCE: 'api' },
      ...{ OIDC_GOOGLE_CLOCK_TOLERANCE_SECONDS: '5', OIDC_GOOGLE_STEP_UP_WITHOUT_AUTH_TIME: 'true' },
      ...{ OIDC_GOOGLE_OFFLINE_ACCESS: 'always', OIDC_GOOGLE_AUTHORIZATION_PARAMETERS: 'hd=example.com' },
      ...{ OIDC_GOOGLE_CLIENT_ASSERTION_AUDIENCE: 'token_endpoint', OIDC_GOOGLE_LABEL: 'Google' },
    });
    expect(google).toMatchObject({
      ...{ clientAuth: 'client_secret_jwt', idTokenAlg: 'ES256', par: 'require', responseMode: 'form_post' },
      ...{ dpop: true, prompt: 'consent', acrValues: 'mfa', maxAge: 60, uiLocales: 'de', userinfo: false },
      ...{ audience: 'api', clockToleranceSeconds: 5, stepUpWithoutAuthTime: true, offlineAccess: 'always' },
      ...{ authorizationParameters: { hd: 'example.com' }, clientAssertionAudience: 'token_endpoint' },
      label: 'Google',
    });
    expect(work).toMatchObject({ clientAuth: 'client_secret_basic', idTokenAlg: 'RS256', dpop: false });
  });

  test('reads its secret from a file of its own', () => {
    const [, google] = providersOf({
      OIDC_GOOGLE_CLIENT_SECRET: undefined,
      OIDC_GOOGLE_CLIENT_SECRET_FILE: file('secret', 'from a file\n'),
    });
    expect(google?.clientSecret).toBe('from a file');
  });

  test('gives roles only by a claim of its own', () => {
    expect(providersOf().map(({ rolesClaim }) => rolesClaim)).toEqual([undefined, undefined]);
    const some = providersOf({ OIDC_WORK_ROLES_CLAIM: 'groups' });
    expect(some.map(({ rolesClaim }) => rolesClaim)).toEqual(['groups', undefined]);
  });

  test('may be the only one that is named, with all its settings under its name', () => {
    const only: Env = { ...two, OIDC_PROVIDERS: 'work' };
    for (const name of Object.keys(only)) if (name.startsWith('OIDC_GOOGLE_')) delete only[name];
    const { providers } = loadConfig(only);
    expect(providers).toHaveLength(1);
    expect(providers[0]).toMatchObject({ name: 'work', named: true, rolesClaim: undefined });
  });
});

describe('labels', () => {
  const labelsOf = (changes: Env) => providersOf(changes).map(({ label }) => label);

  test("are the issuer's host where none is set", () => {
    expect(labelsOf({ OIDC_GOOGLE_LABEL: 'Google' })).toEqual(['login.example.com', 'Google']);
  });

  test('that read the same have the names added, so that people can choose', () => {
    const same = { OIDC_WORK_LABEL: 'Contoso', OIDC_GOOGLE_LABEL: 'Contoso' };
    expect(labelsOf(same)).toEqual(['Contoso (work)', 'Contoso (google)']);
    const third = {
      ...{ OIDC_PROVIDERS: 'work,google,third', OIDC_THIRD_ISSUER: 'https://third.example' },
      ...{ OIDC_THIRD_CLIENT_ID: 'app', OIDC_THIRD_CLIENT_SECRET: 'c1ient-s3cret-at-third' },
    };
    const labels = labelsOf({ ...same, ...third, OIDC_THIRD_LABEL: 'Contoso (work)' });
    expect(new Set(labels).size).toBe(3);
  });

  test.each([
    ['is longer than a button', 'X'.repeat(61), /^OIDC_GOOGLE_LABEL is too long/],
    ['holds a control character', 'Goo\u0007gle', /^OIDC_GOOGLE_LABEL has a space or a line break/],
    ['begins with a blank', ' Google', /^OIDC_GOOGLE_LABEL has a space or a line break/],
  ])('one that %s is refused', (_what, label, expected) => {
    expect(problemsOf({ OIDC_GOOGLE_LABEL: label })).toEqual([expect.stringMatching(expected)]);
  });
});

describe('a problem names the setting in full', () => {
  test.each<[string, Env, string]>([
    ['missing', { OIDC_GOOGLE_CLIENT_SECRET: undefined }, 'OIDC_GOOGLE_CLIENT_SECRET is missing.'],
    ['missing', { OIDC_GOOGLE_CLIENT_ID: undefined }, 'OIDC_GOOGLE_CLIENT_ID is missing.'],
    ['missing', { OIDC_GOOGLE_ISSUER: undefined }, 'OIDC_GOOGLE_ISSUER is missing.'],
    ['wrong', { OIDC_GOOGLE_ID_TOKEN_ALG: 'none' }, 'OIDC_GOOGLE_ID_TOKEN_ALG must be one of'],
    ['a placeholder', { OIDC_WORK_CLIENT_SECRET: 'your-client-secret' }, 'OIDC_WORK_CLIENT_SECRET is still'],
    ['wrong and shared', { OIDC_ID_TOKEN_ALG: 'none' }, 'OIDC_ID_TOKEN_ALG must be one of'],
    ['of no use', { OIDC_WORK_CLIENT_KEY_ALG: 'ES256' }, 'OIDC_WORK_CLIENT_KEY_ALG has no effect'],
    [
      'impossible over http',
      { OIDC_GOOGLE_RESPONSE_MODE: 'form_post' },
      'OIDC_GOOGLE_RESPONSE_MODE=form_post needs an https BASE_URL',
    ],
    [
      'set twice in one request',
      { OIDC_AUTHORIZATION_PARAMETERS: 'prompt=login', OIDC_GOOGLE_PROMPT: 'consent' },
      'OIDC_AUTHORIZATION_PARAMETERS has prompt, and OIDC_GOOGLE_PROMPT is set too',
    ],
    ['missing for tenants', { OIDC_GOOGLE_ISSUER: organizations }, 'OIDC_GOOGLE_ALLOWED_TENANTS is missing.'],
    [
      'of no use for one tenant',
      { OIDC_GOOGLE_ALLOWED_TENANTS: tenant },
      'OIDC_GOOGLE_ALLOWED_TENANTS has no effect',
    ],
  ])('where it is %s: %j', (_what, changes, expected) => {
    expect(problemsOf(changes)).toEqual([expect.stringContaining(expected)]);
  });

  test('where its file cannot be read, is empty, or is set beside it', () => {
    const without = { OIDC_GOOGLE_CLIENT_SECRET: undefined };
    const says = (path: string) => problemsOf({ ...without, OIDC_GOOGLE_CLIENT_SECRET_FILE: path }).join();
    expect(says(join(folder, 'none'))).toMatch(/^OIDC_GOOGLE_CLIENT_SECRET_FILE names a file that cannot/);
    expect(says(file('empty', ''))).toMatch(/^OIDC_GOOGLE_CLIENT_SECRET_FILE names an empty file/);
    expect(problemsOf({ OIDC_GOOGLE_CLIENT_SECRET_FILE: file('twice', 'x') })).toEqual([
      'OIDC_GOOGLE_CLIENT_SECRET and OIDC_GOOGLE_CLIENT_SECRET_FILE are both set: keep one of them.',
    ]);
  });

  test('also those of keys and certificates, with the shared way that needs them', () => {
    const noSecrets = { OIDC_WORK_CLIENT_SECRET: undefined, OIDC_GOOGLE_CLIENT_SECRET: undefined };
    expect(problemsOf({ ...noSecrets, OIDC_CLIENT_AUTH: 'private_key_jwt' })).toEqual([
      'OIDC_WORK_CLIENT_KEY_FILE is missing. OIDC_CLIENT_AUTH=private_key_jwt needs it.',
      'OIDC_GOOGLE_CLIENT_KEY_FILE is missing. OIDC_CLIENT_AUTH=private_key_jwt needs it.',
    ]);
    const tls = { OIDC_WORK_CLIENT_AUTH: 'tls_client_auth', OIDC_WORK_ISSUER: 'http://localhost:3001' };
    const problems = problemsOf({ ...tls, OIDC_WORK_CLIENT_SECRET: undefined });
    expect(problems).toEqual([
      expect.stringContaining('OIDC_WORK_CLIENT_AUTH=tls_client_auth needs an https OIDC_WORK_ISSUER'),
      expect.stringContaining('OIDC_WORK_CLIENT_KEY_FILE is missing'),
      expect.stringContaining('OIDC_WORK_CLIENT_CERT_FILE is missing'),
    ]);
  });

  test('and all are listed at once, those of a provider and those of the app, with no secret', () => {
    const problems = problemsOf({
      ...{ OIDC_GOOGLE_CLIENT_ID: undefined, OIDC_WORK_SCOPE: 'profile', OIDC_GOOGLE_DPOP: 'yes' },
      ...{ OIDC_LABEL: 'Both', PORT: 'x', OIDC_WORK_CLIENT_SECRET: 'change-me', OIDC_OTHER_SCOPE: 'openid' },
    });
    expect(problems.map((problem) => problem.split(' ')[0]).sort()).toEqual([
      'OIDC_GOOGLE_CLIENT_ID',
      'OIDC_GOOGLE_DPOP',
      'OIDC_LABEL',
      'OIDC_OTHER_SCOPE',
      'OIDC_WORK_CLIENT_SECRET',
      'OIDC_WORK_SCOPE',
      'PORT',
    ]);
    expect(problems.join()).not.toContain('change-me');
  });
});

describe('what stands without a name', () => {
  test.each([
    ...['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_CLIENT_SECRET_FILE', 'OIDC_LABEL'],
    ...['OIDC_CLIENT_KEY_FILE', 'OIDC_CLIENT_CERT_FILE', 'OIDC_ROLES_CLAIM', 'OIDC_ALLOWED_TENANTS'],
  ])('is never %s', (name) => {
    const own = name.replace('OIDC_', 'OIDC_WORK_');
    const other = name.replace('OIDC_', 'OIDC_GOOGLE_');
    expect(problemsOf({ [name]: 'https://both.example' })).toEqual([
      `${name} is never shared by the providers in OIDC_PROVIDERS: set ${own}, ${other} instead.`,
    ]);
  });
});

describe('OIDC_PROVIDERS', () => {
  test.each([
    ['capital letters', 'work,Google'],
    ['an empty name', 'work,,google'],
    ['a comma at its end', 'work,google,'],
    ['another sign between', 'work;google'],
    ['a long name', `work,google,${'a'.repeat(21)}`],
    ['a hyphen', 'work,my-google'],
    ['an underscore', '__proto__'],
  ])('with %s is the one problem: %s', (_what, value) => {
    expect(problemsOf({ OIDC_PROVIDERS: value })).toEqual([
      expect.stringMatching(/^OIDC_PROVIDERS must be names of lower-case letters and digits/),
    ]);
  });

  test('holds no name twice, and not more names than anybody could choose from', () => {
    expect(problemsOf({ OIDC_PROVIDERS: 'work,google,work' })).toEqual(['OIDC_PROVIDERS has a name twice.']);
    const many = Array.from({ length: 21 }, (_, index) => `p${index}`).join();
    expect(problemsOf({ OIDC_PROVIDERS: many })).toEqual(['OIDC_PROVIDERS has more than 20 names.']);
  });

  test.each([...['issuer', 'client', 'scope', 'id', 'max', 'ui', 'acr', 'step', 'providers', 'default']])(
    'has no "%s", and asks for none of its settings',
    (name) => {
      expect(problemsOf({ OIDC_PROVIDERS: `work,google,${name}` })).toEqual([
        `OIDC_PROVIDERS must not contain "${name}", which means something else here. Take another name.`,
      ]);
    },
  );

  test('may hold names that JavaScript knows, and those of other parts of the app', () => {
    const settingsOf = (name: string) => ({
      [`OIDC_${name.toUpperCase()}_ISSUER`]: `https://${name}.example`,
      [`OIDC_${name.toUpperCase()}_CLIENT_ID`]: 'app',
      [`OIDC_${name.toUpperCase()}_CLIENT_SECRET`]: `c1ient-s3cret-${name}`,
    });
    const names = ['constructor', 'store', 'stopping', '7'];
    const changes = Object.assign({}, ...names.map(settingsOf));
    expect(problemsOf({ OIDC_PROVIDERS: `work,google,${names}`, ...changes })).toEqual([]);
  });

  test('left empty counts as not set: then each setting with a name is a mistake', () => {
    const problems = problemsOf({ OIDC_PROVIDERS: '' });
    expect(problems).toContain(
      'OIDC_WORK_CLIENT_ID is for a provider that OIDC_PROVIDERS does not name: add work there, or remove this.',
    );
    expect(problems).toContainEqual(expect.stringMatching(/^OIDC_ISSUER is missing/));
  });
});

describe('names that are no settings', () => {
  test.each([
    ['OIDC_GOOGLE_CLIENT_SECRETT', 'is not a setting. Did you mean OIDC_GOOGLE_CLIENT_SECRET?'],
    ['OIDC_GOOGLE_ISUER', 'is not a setting. Did you mean OIDC_GOOGLE_ISSUER?'],
    ['OIDC_GOOGLE_ISSUER_FILE', 'is not a setting'],
    ['OIDC_GOOGLE_SOMETHING_ELSE', 'is not a setting: remove it'],
    ['OIDC_OTHER_CLIENT_ID', 'is for a provider that OIDC_PROVIDERS does not name: add other there'],
    ['OIDC_OTHER_CLIENT_SECRET_FILE', 'is for a provider that OIDC_PROVIDERS does not name: add other there'],
    ['OIDC_GOOGEL_CLIENT_ID', 'Did you mean OIDC_GOOGLE_CLIENT_ID?'],
  ])('%s', (name, says) => {
    const [problem, ...more] = problemsOf({ [name]: 'x' });
    expect(problem).toMatch(new RegExp(`^${name} `));
    expect(problem).toContain(says);
    expect(more).toEqual([]);
  });

  test('what a cluster sets for a service called oidc-work is left alone', () => {
    expect(problemsOf({ OIDC_WORK_SERVICE_HOST: '10.0.0.1', OIDC_WORK_PORT_80_TCP: 'tcp://x' })).toEqual([]);
  });
});

describe('two providers', () => {
  const sameIssuer =
    'OIDC_WORK_ISSUER and OIDC_GOOGLE_ISSUER name the same provider: each needs an issuer of its own.';
  const oneTenant = organizations.replace('organizations', tenant);
  const signIn = () => undefined;

  test.each<[string, string, Env]>([
    ['the same', 'https://login.example.com', {}],
    ['a slash more', 'https://login.example.com/', {}],
    ['other letters', 'https://LOGIN.example.com', {}],
    ['its usual port', 'https://login.example.com:443', {}],
    [
      'one of its tenants',
      organizations,
      { OIDC_WORK_ISSUER: oneTenant, OIDC_GOOGLE_ALLOWED_TENANTS: `other,${tenant}` },
    ],
    ['every tenant', organizations, { OIDC_WORK_ISSUER: oneTenant, OIDC_GOOGLE_ALLOWED_TENANTS: '*' }],
    [
      'a tenant in common',
      organizations,
      {
        OIDC_WORK_ISSUER: organizations.replace('organizations', 'common'),
        OIDC_WORK_ALLOWED_TENANTS: tenant,
        OIDC_GOOGLE_ALLOWED_TENANTS: tenant.toUpperCase(),
      },
    ],
    [
      'one for many tenants, of which each lets in others',
      organizations,
      {
        OIDC_WORK_ISSUER: organizations,
        OIDC_WORK_ALLOWED_TENANTS: 'one',
        OIDC_GOOGLE_ALLOWED_TENANTS: 'another',
      },
    ],
  ])('with one issuer are refused: %s', (_what, issuer, more) => {
    expect(problemsOf({ OIDC_GOOGLE_ISSUER: issuer, ...more }, { signIn })).toEqual([sameIssuer]);
  });

  test('below one host are two', () => {
    const changes = { OIDC_WORK_ISSUER: 'https://id.example/a', OIDC_GOOGLE_ISSUER: 'https://id.example/b' };
    expect(problemsOf(changes)).toEqual([]);
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pem = file('rsa.pem', rsa.export({ type: 'pkcs1', format: 'pem' }));
  const jwk = file('rsa.jwk', JSON.stringify({ ...rsa.export({ format: 'jwk' }), kid: 'other' }));
  const other = file('ec.pem', ec.export({ type: 'pkcs8', format: 'pem' }));
  const byKey = {
    ...{ OIDC_CLIENT_AUTH: 'private_key_jwt', OIDC_WORK_CLIENT_KEY_FILE: pem },
    ...{ OIDC_WORK_CLIENT_SECRET: undefined, OIDC_GOOGLE_CLIENT_SECRET: undefined },
  };
  const sameKey =
    'OIDC_WORK_CLIENT_KEY_FILE and OIDC_GOOGLE_CLIENT_KEY_FILE have a key in common: make each provider a key of its own.';

  test.each([
    ['in the same file', pem],
    ['in another form', jwk],
    ['among two', `${other},${jwk}`],
  ])('with one key are refused: %s', (_what, path) => {
    expect(problemsOf({ ...byKey, OIDC_GOOGLE_CLIENT_KEY_FILE: path })).toEqual([sameKey]);
  });

  test('with one key are refused where one shows it in TLS', () => {
    const { cert, key } = makeCertificate();
    const tls = {
      ...{ OIDC_GOOGLE_CLIENT_AUTH: 'tls_client_auth', OIDC_GOOGLE_CLIENT_CERT_FILE: file('cert.pem', cert) },
      ...{ OIDC_GOOGLE_CLIENT_KEY_FILE: file('key.pem', key) },
    };
    expect(problemsOf({ ...byKey, ...tls })).toEqual([]);
    expect(problemsOf({ ...byKey, ...tls, OIDC_WORK_CLIENT_KEY_FILE: file('key.pem', key) })).toEqual([
      sameKey,
    ]);
  });

  test('with a key each are fine', () => {
    expect(problemsOf({ ...byKey, OIDC_GOOGLE_CLIENT_KEY_FILE: other })).toEqual([]);
  });
});

describe('OIDC_ALLOWED_TENANTS=*', () => {
  const every = { OIDC_GOOGLE_ISSUER: organizations, OIDC_GOOGLE_ALLOWED_TENANTS: '*' };

  test('needs a signIn in site.ts that decides', () => {
    expect(problemsOf(every)).toEqual([
      'OIDC_GOOGLE_ALLOWED_TENANTS=* lets in every Microsoft tenant: write a `signIn` in site.ts that decides who may come in, or name the tenants.',
    ]);
    expect(problemsOf(every, { signIn: () => undefined })).toEqual([]);
  });

  test('stands alone', () => {
    const both = { ...every, OIDC_GOOGLE_ALLOWED_TENANTS: `*,${tenant}` };
    expect(problemsOf(both, { signIn: () => undefined })).toEqual([
      'OIDC_GOOGLE_ALLOWED_TENANTS must be tenant ids (not domain names) with commas between them, or * alone.',
    ]);
  });

  test('says so for one provider without a name too', () => {
    const one = {
      ...{ SESSION_SECRET: two.SESSION_SECRET, OIDC_ISSUER: organizations, OIDC_CLIENT_ID: 'app' },
      ...{ OIDC_CLIENT_SECRET: 'c1ient-s3cret-value', OIDC_ALLOWED_TENANTS: '*' },
    };
    expect(() => loadConfig(one, {})).toThrow('OIDC_ALLOWED_TENANTS=* lets in every Microsoft tenant');
    expect(loadConfig(one, { signIn: () => undefined }).providers[0].allowedTenants).toEqual(['*']);
  });
});
