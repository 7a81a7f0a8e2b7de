import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, loadConfig, settings } from '../config/index.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { sharedFile } from './helpers/docs.ts';
import { site } from './site/site.ts';

const secret = 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE';
const otherSecret = 'Zk3Vt9Xq2Lw8Rm5Yc7Bn1Hs4Gd6Pf0JuAe';
const minimal = {
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'c1ient-s3cret-value',
  SESSION_SECRET: secret,
};
const production = {
  ...minimal,
  BASE_URL: 'https://app.example.com',
  REDIS_URL: 'rediss://redis.example.com',
};

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true }));
function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env, site);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

/** The one problem of otherwise good settings. */
function problemOf(env: NodeJS.ProcessEnv, base: NodeJS.ProcessEnv = minimal): string {
  const problems = problemsOf({ ...base, ...env });
  expect(problems, JSON.stringify(env)).toHaveLength(1);
  return problems[0] ?? '';
}

describe('good settings', () => {
  test('four settings are enough on loopback; everything else has its default', () => {
    expect(loadConfig(minimal)).toEqual({
      development: false,
      baseUrl: 'http://localhost:3000',
      secure: false,
      port: 3000,
      host: undefined,
      trustProxyHops: 0,
      logLevel: 'info',
      shutdownDelaySeconds: 0,
      providers: [
        {
          name: 'default',
          named: false,
          label: 'login.example.com',
          inFull: expect.any(Function),
          issuer: 'https://login.example.com',
          clientId: 'app',
          clientSecret: 'c1ient-s3cret-value',
          clientAuth: 'client_secret_basic',
          clientKeys: [],
          clientCert: undefined,
          certificateBoundTokens: false,
          clientKeyAlg: undefined,
          clientAssertionAudience: 'issuer',
          clientAssertionTyp: undefined,
          scope: 'openid profile email offline_access',
          offlineAccess: 'auto',
          idTokenAlg: 'RS256',
          responseMode: 'query',
          requestObject: false,
          decryptionKeys: [],
          par: 'auto',
          userinfo: true,
          audience: undefined,
          resource: undefined,
          prompt: undefined,
          acrValues: undefined,
          maxAge: undefined,
          uiLocales: undefined,
          rolesClaim: 'roles',
          allowedTenants: [],
          stepUpWithoutAuthTime: false,
          clockToleranceSeconds: 30,
          dpop: false,
        },
      ],
      session: { secrets: [secret], idleMinutes: 30, maxHours: 8, recheckMinutes: 10 },
      redis: { urls: [], sentinel: undefined, keyPrefix: 'app:' },
      extraCas: [],
      workers: 1,
      own: {},
    });
  });

  test('every setting arrives', () => {
    const config = loadConfig(
      {
        ...production,
        NODE_ENV: 'development',
        BASE_URL: 'https://APP.example.com:443/',
        PORT: '8080',
        HOST: '::1',
        OIDC_CLIENT_AUTH: 'client_secret_post',
        OIDC_SCOPE: 'email  openid',
        OIDC_OFFLINE_ACCESS: 'always',
        OIDC_STEP_UP_WITHOUT_AUTH_TIME: 'true',
        OIDC_ID_TOKEN_ALG: 'PS256',
        OIDC_RESPONSE_MODE: 'form_post',
        OIDC_PAR: 'require',
        OIDC_USERINFO: 'false',
        OIDC_AUDIENCE: 'api',
        OIDC_RESOURCE: 'urn:example:api',
        OIDC_PROMPT: 'login consent',
        OIDC_ACR_VALUES: 'urn:mfa phr',
        OIDC_MAX_AGE: '0',
        OIDC_UI_LOCALES: 'de-CH en',
        OIDC_AUTHORIZATION_PARAMETERS:
          'organization=the+acme%26co&hd=example.com&claims={"id_token":{"email":null}}',
        OIDC_ROLES_CLAIM: 'realm_access.roles',
        OIDC_CLOCK_TOLERANCE_SECONDS: '5',
        OIDC_DPOP: 'true',
        SESSION_SECRET_PREVIOUS: otherSecret,
        SESSION_IDLE_MINUTES: '60',
        SESSION_MAX_HOURS: '1',
        REDIS_URL: 'redis://a:1, redis://b:2',
        REDIS_KEY_PREFIX: 'app:two:',
        WORKERS: '4',
        TRUST_PROXY_HOPS: '2',
        API_URL: 'https://api.example.com/v1/',
        LOG_LEVEL: 'debug',
        SHUTDOWN_DELAY_SECONDS: '7',
      },
      site,
    );
    expect(config).toMatchObject({
      development: true,
      baseUrl: 'https://app.example.com',
      secure: true,
      port: 8080,
      host: '::1',
      trustProxyHops: 2,
      logLevel: 'debug',
      shutdownDelaySeconds: 7,
      providers: [
        {
          clientAuth: 'client_secret_post',
          scope: 'email openid',
          offlineAccess: 'always',
          stepUpWithoutAuthTime: true,
          idTokenAlg: 'PS256',
          responseMode: 'form_post',
          par: 'require',
          userinfo: false,
          audience: 'api',
          resource: 'urn:example:api',
          prompt: 'login consent',
          acrValues: 'urn:mfa phr',
          maxAge: 0,
          uiLocales: 'de-CH en',
          authorizationParameters: {
            organization: 'the acme&co',
            hd: 'example.com',
            claims: '{"id_token":{"email":null}}',
          },
          rolesClaim: 'realm_access.roles',
          clockToleranceSeconds: 5,
          dpop: true,
        },
      ],
      session: { secrets: [secret, otherSecret], idleMinutes: 60, maxHours: 1, recheckMinutes: 10 },
      redis: { urls: ['redis://a:1', 'redis://b:2'], sentinel: undefined, keyPrefix: 'app:two:' },
      workers: 4,
      own: { API_URL: 'https://api.example.com/v1', OWN_SECRET: undefined },
    });
  });

  test('nothing in the config can be changed afterwards', () => {
    const config = loadConfig(minimal);
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.providers[0], { issuer: 'https://evil.example' })).toThrow(TypeError);
    expect(() => (config.session.secrets as unknown as string[]).push('x')).toThrow(TypeError);
  });

  test('an empty setting counts as not set', () => {
    expect(loadConfig({ ...minimal, PORT: '', REDIS_URL: '', OIDC_PROMPT: '', OIDC_TYPO: '' }).port).toBe(
      3000,
    );
    expect(problemOf({ SESSION_SECRET: '' })).toMatch(/^SESSION_SECRET is missing\. Make one with: node -e /);
  });

  test('the issuer is kept as it is written, its last slash too', () => {
    for (const issuer of ['https://idp.example/', 'https://IDP.example', 'https://idp.example/realms/a/']) {
      expect(loadConfig({ ...minimal, OIDC_ISSUER: issuer }).providers[0].issuer).toBe(issuer);
    }
  });

  test.each([
    'http://localhost:3000',
    'http://127.0.0.1',
    'http://127.8.9.1:81',
    'http://[::1]:3000',
    'https://localhost',
  ])('%s is loopback and needs no Redis', (BASE_URL) => {
    expect(loadConfig({ ...minimal, BASE_URL }).redis.urls).toEqual([]);
  });
});

describe('what is wrong is reported', () => {
  test('all at once, each by its name', () => {
    const problems = problemsOf({
      BASE_URL: 'ftp://x',
      PORT: 'x',
      OIDC_PAR: 'maybe',
      SESSION_SECRET: 'short',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    });
    const names = ['BASE_URL', 'PORT', 'OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_PAR'];
    for (const name of [...names, 'SESSION_SECRET', 'NODE_TLS_REJECT_UNAUTHORIZED']) {
      expect(
        problems.filter((problem) => problem.startsWith(name)),
        name,
      ).toHaveLength(1);
    }
    expect(problems).toHaveLength(names.length + 2);
  });

  test('the message holds every problem on a line of its own', () => {
    expect(() => loadConfig({})).toThrow(/\n- OIDC_ISSUER is missing\..*\n- OIDC_CLIENT_ID is missing\./);
  });

  // One line a case: name, value, what the sentence says.
  test.each([
    ['BASE_URL', 'http://app.example.com', 'must begin with https'],
    ['BASE_URL', 'http://127.0.0.1.example.com', 'must begin with https'],
    ['BASE_URL', 'http://localhost.example.com', 'must begin with https'],
    ['BASE_URL', 'https://localhost/app', 'without a path'],
    ['BASE_URL', 'https://localhost?', 'must not contain a ?'],
    ['BASE_URL', 'https://localhost#', 'must not contain a ?'],
    ['BASE_URL', 'https://user:pass@localhost', 'must not contain a user name'],
    ['BASE_URL', 'https://@localhost', 'must not contain a user name'],
    ['BASE_URL', 'localhost:3000', 'must be a whole address'],
    ['BASE_URL', 'https:localhost', 'must be a whole address'],
    ['BASE_URL', 'https:\\\\localhost', 'must be a whole address'],
    ['BASE_URL', 'https://local host', 'must be a whole address'],
    ['BASE_URL', 'https://localhost, https://other.example', 'must be a whole address'],
    ['BASE_URL', 'javascript:alert(1)', 'must be a whole address'],
    ['BASE_URL', ' https://localhost', 'has a space or a line break'],
    ['OIDC_ISSUER', 'https://login.example.com\\evil', 'must be a whole address'],
    ['API_URL', 'https://api.example.com/a b', 'must be a whole address'],
    ['PORT', '65536', 'from 0 to 65535'],
    ['PORT', '-1', 'from 0 to 65535'],
    ['PORT', '3000.0', 'from 0 to 65535'],
    ['PORT', '0x50', 'from 0 to 65535'],
    ['PORT', '03000', 'from 0 to 65535'],
    ['PORT', '99999999999999999999', 'from 0 to 65535'],
    ['HOST', 'http://0.0.0.0', 'must be a host name'],
    ['OIDC_ISSUER', 'http://login.example.com', 'must begin with https'],
    ['OIDC_ISSUER', 'https://a.example,https://b.example', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.example/x,https://b.example/y', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.example;https://b.example', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.example,b.example', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.example/,b.example', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.example+https://b.example', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.examplehttps://b.example', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.example%2Cb.example', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.example,', 'must be one value, not a list'],
    ['OIDC_ISSUER', 'https://a.example, https://b.example', 'must be a whole address'],
    ['OIDC_ISSUER', 'https://a.example https://b.example', 'must be a whole address'],
    ['BASE_URL', 'https://localhost,https://other.example', 'must be one value, not a list'],
    ['API_URL', 'https://a.example/v1,https://b.example/v1', 'must be one value, not a list'],
    ['OIDC_RESOURCE', 'https://a.example,https://b.example', 'must be one value, not a list'],
    ['OIDC_RESOURCE', 'https://a.example/x https://b.example', 'must be one value, not a list'],
    ['OIDC_RESOURCE', 'urn:example:a,urn:example:b', 'must be one value, not a list'],
    ['OIDC_AUDIENCE', 'https://a.example,https://b.example', 'must be one value, not a list'],
    ['OIDC_ROLES_CLAIM', 'roles,groups', 'must be one name'],
    ['HOST', '127.0.0.1,::1', 'must be a host name'],
    ['PORT', '3000,3001', 'from 0 to 65535'],
    ['OIDC_ISSUER', 'https://login.example.com/?a=b', 'must not contain a ?'],
    ['OIDC_ISSUER', 'https://login.example.com/.well-known/openid-configuration', 'leave out'],
    ['OIDC_ISSUER', 'https://a:b@login.example.com', 'must not contain a user name'],
    ['OIDC_SCOPE', 'profile email', 'must contain openid'],
    ['OIDC_SCOPE', 'openid_connect', 'must contain openid'],
    ['OIDC_SCOPE', 'openid,profile', 'no commas'],
    ['OIDC_ID_TOKEN_ALG', 'none', 'must be one of: RS256'],
    ['OIDC_ID_TOKEN_ALG', 'HS256', 'must be one of: RS256'],
    ['OIDC_ID_TOKEN_ALG', 'rs256', 'must be one of: RS256'],
    ['OIDC_CLIENT_AUTH', 'none', 'must be one of: client_secret_basic'],
    ['OIDC_RESPONSE_MODE', 'fragment', 'must be one of: query'],
    ['OIDC_RESPONSE_MODE', 'form_post', 'needs an https BASE_URL'],
    ['OIDC_PAR', 'yes', 'must be one of: auto'],
    ['OIDC_OFFLINE_ACCESS', 'never', 'must be one of: auto, always'],
    ['OIDC_STEP_UP_WITHOUT_AUTH_TIME', 'yes', 'must be one of: true, false'],
    ['OIDC_CLIENT_KEY_ALG', 'HS256', 'must be one of: RS256'],
    ['OIDC_CLIENT_KEY_ALG', 'PS256', 'has no effect with OIDC_CLIENT_AUTH=client_secret_basic'],
    ['OIDC_CLIENT_ASSERTION_AUDIENCE', 'token', 'must be one of: issuer, token_endpoint'],
    ['OIDC_CLIENT_ASSERTION_AUDIENCE', 'token_endpoint', 'has no effect with OIDC_CLIENT_AUTH=client_'],
    ['OIDC_CLIENT_ASSERTION_TYP', 'jwt', 'must be one of: none, JWT, client-authentication+jwt'],
    ['OIDC_CLIENT_ASSERTION_TYP', 'JWT', 'has no effect with OIDC_CLIENT_AUTH=client_secret_basic'],
    ['OIDC_USERINFO', '1', 'must be one of: true, false'],
    ['OIDC_DPOP', 'TRUE', 'must be one of: true, false'],
    ['OIDC_RESOURCE', 'api', 'must be a whole address'],
    ['OIDC_RESOURCE', 'https://api.example.com/#x', 'without a #'],
    ['OIDC_PROMPT', 'none', 'must not be none'],
    ['OIDC_PROMPT', 'login none', 'must not be none'],
    ['OIDC_PROMPT', 'login&x=y', 'must be words'],
    ['OIDC_MAX_AGE', '1e3', 'must be a whole number of seconds'],
    ['OIDC_UI_LOCALES', 'german!', 'must be language tags'],
    ...[
      ...['response_type', 'redirect_uri', 'state', 'nonce', 'code_challenge', 'code_challenge_method'],
      ...[
        'request',
        'request_uri',
        'id_token_hint',
        'dpop_jkt',
        'client_secret',
        'client_assertion',
        'STATE',
      ],
    ].map((name) => [
      'OIDC_AUTHORIZATION_PARAMETERS',
      `hd=a&${name}=x`,
      `must not contain ${name}: the app sets it itself`,
    ]),
    ...Object.entries({
      response_mode: 'OIDC_RESPONSE_MODE',
      client_id: 'OIDC_CLIENT_ID',
      scope: 'OIDC_SCOPE',
      max_age: 'OIDC_MAX_AGE',
      acr_values: 'OIDC_ACR_VALUES',
      resource: 'OIDC_RESOURCE',
      audience: 'OIDC_AUDIENCE',
    }).map(([name, setting]) => [
      'OIDC_AUTHORIZATION_PARAMETERS',
      `${name}=x`,
      `must not contain ${name}: ${setting} is the setting for it`,
    ]),
    ...Object.entries({
      'prompt=none': 'must not be none',
      'prompt=login+none': 'must not be none',
      'prompt=NONE': 'must be words',
      'Prompt=login': 'has Prompt: write prompt',
      'hd=a&hd=a': 'has hd twice: keep one',
      'hd=a&HD=b': 'has HD twice: keep one',
      hd: 'has hd without a value: write hd=value',
      'hd=': 'has hd without a value: write hd=value',
      '=a': 'without a name',
      'hd=a&': 'without a name',
      '&': 'without a name',
      '?hd=a': 'not made of letters',
      'h d=a': 'not made of letters',
      'h%64=a': 'not made of letters',
      '__proto__=a': 'not made of letters',
      'hd=50%': 'write %25',
      'hd=%ff': 'write %25',
      'hd=a%0Ab': 'has a control character in hd',
      'hd=a%C2%85b': 'has a control character in hd',
      'claims=email': 'not a JSON object',
      'claims=["email"]': 'not a JSON object',
      [`hd=${'x'.repeat(1_000)}`]: 'is too long: at most 1000 characters',
      [Array.from({ length: 21 }, (_, i) => `p${i}=x`).join('&')]: 'too many parameters: at most 20',
    }).map(([value, message]) => ['OIDC_AUTHORIZATION_PARAMETERS', value, message]),
    ['OIDC_ROLES_CLAIM', 'my roles', 'must be one name'],
    ['OIDC_ROLES_CLAIM', Array(21).fill('a').join('.'), 'at most 20 names'],
    ['OIDC_ALLOWED_TENANTS', 'contoso.example', 'must be tenant ids'],
    ['OIDC_ALLOWED_TENANTS', '11111111-2222-3333-4444-555555555555', 'has no effect'],
    ['OIDC_CLOCK_TOLERANCE_SECONDS', '301', 'from 0 to 300'],
    [
      'SESSION_IDLE_MINUTES',
      '30m',
      'must be a whole number of minutes from 1 to 1440, in digits only. It is now "30m".',
    ],
    ['SESSION_IDLE_MINUTES', '0', 'from 1 to 1440'],
    ['SESSION_IDLE_MINUTES', '481', 'is longer than SESSION_MAX_HOURS'],
    ['SESSION_MAX_HOURS', '721', 'from 1 to 720'],
    ['SESSION_MAX_HOURS', '٣', 'from 1 to 720'],
    ['REDIS_URL', 'localhost:6379', 'must be redis://host:6379'],
    ['REDIS_URL', 'http://localhost:6379', 'must be redis://host:6379'],
    ['REDIS_URL', 'redis://', 'must be redis://host:6379'],
    ['REDIS_URL', 'redis://a,', 'must be redis://host:6379'],
    ['REDIS_URL', 'redis://a/x', 'must be redis://host:6379'],
    ['REDIS_URL', 'redis://a/1,redis://b/1', 'no database number'],
    ['REDIS_URL', 'redis://a,rediss://b', 'must not mix'],
    ['TRUST_PROXY_HOPS', 'true', 'from 0 to 10'],
    ['TRUST_PROXY_HOPS', '11', 'from 0 to 10'],
    ['API_URL', 'http://api.example.com', 'must begin with https'],
    ['LOG_LEVEL', 'verbose', 'must be one of: trace'],
    ['SHUTDOWN_DELAY_SECONDS', '61', 'from 0 to 60'],
    ['OIDC_CLIENT_ID', 'a\u0000b', 'has a space or a line break'],
    ['OIDC_AUDIENCE', 'a\nb', 'has a space or a line break'],
    ['OIDC_AUDIENCE', 'x'.repeat(2001), 'is too long'],
  ])('%s=%s', (name, value, says) => {
    const problem = problemOf({ [name]: value });
    expect(problem).toContain(says);
    expect(problem.startsWith(name)).toBe(true);
  });

  test('each parameter of OIDC_AUTHORIZATION_PARAMETERS that cannot be is named at once', () => {
    const found = problemsOf({
      ...minimal,
      OIDC_AUTHORIZATION_PARAMETERS: 'state=x&scope=y&prompt=none&hd=secret%0Avalue',
    });
    expect(found).toHaveLength(4);
    expect(found.join()).not.toContain('secret');
  });

  test.each([
    ['prompt=login', 'OIDC_PROMPT', 'consent', 'has prompt'],
    ['ui_locales=de', 'OIDC_UI_LOCALES', 'fr', 'has ui_locales'],
  ])(
    'OIDC_AUTHORIZATION_PARAMETERS=%s beside %s says to keep one of them',
    (value, setting, other, message) => {
      const env = { ...minimal, OIDC_AUTHORIZATION_PARAMETERS: value };
      expect(problemsOf(env)).toEqual([]);
      expect(problemsOf({ ...env, [setting]: other })).toEqual([
        expect.stringMatching(new RegExp(`${message}, and ${setting} is set too: keep one`)),
      ]);
    },
  );

  test('memory is for loopback only', () => {
    expect(problemOf({ BASE_URL: 'https://app.example.com' })).toMatch(
      /^REDIS_URL is missing\..*in memory only/,
    );
    expect(problemsOf({ ...production, REDIS_URL: 'nonsense' })).toHaveLength(1);
  });

  test('several processes need Redis', () => {
    expect(problemsOf({ ...minimal, WORKERS: '2' })).toEqual([
      'WORKERS=2 needs REDIS_URL: sessions in memory are known to one process only. Set REDIS_URL, or WORKERS=1.',
    ]);
    expect(problemsOf({ ...minimal, WORKERS: '2', REDIS_URL: 'redis://localhost' })).toEqual([]);
    expect(problemsOf({ ...minimal, WORKERS: '1' })).toEqual([]);
    // One sentence for one missing setting.
    expect(problemsOf({ ...minimal, WORKERS: '2', BASE_URL: 'https://app.example.com' })).toHaveLength(1);
    expect(problemsOf({ ...minimal, WORKERS: '2', REDIS_URL: 'nonsense' })).toHaveLength(1);
    // There one process serves.
    expect(problemsOf({ ...minimal, WORKERS: '2', NODE_ENV: 'development' })).toEqual([]);
  });

  test('WORKERS=auto is one process for each CPU that may be used', () => {
    const cpus = availableParallelism();
    expect(loadConfig({ ...production, WORKERS: 'auto' }, site).workers).toBe(cpus);
    const alone = problemsOf({ ...minimal, WORKERS: 'auto' });
    if (cpus === 1) expect(alone).toEqual([]);
    else expect(alone).toEqual([expect.stringContaining(`WORKERS=auto (${cpus} here) needs REDIS_URL`)]);
  });

  test.each(['0', '-1', '1.5', '257', 'all', 'AUTO'])('WORKERS=%s is refused', (WORKERS) => {
    expect(problemsOf({ ...production, WORKERS })).toEqual([
      expect.stringMatching(/^WORKERS must be auto, or a whole number from 1 to 256/),
    ]);
  });

  test('TLS checks cannot be switched off', () => {
    expect(problemOf({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toContain('EXTRA_CA_FILE');
    expect(problemsOf({ ...minimal, NODE_TLS_REJECT_UNAUTHORIZED: '1' })).toEqual([]);
  });

  test('an Entra issuer for all tenants needs to know whom to let in', () => {
    const tenant = 'AAAAAAAA-2222-3333-4444-555555555555';
    for (const issuer of [
      'https://login.microsoftonline.com/common/v2.0',
      'https://login.microsoftonline.com/organizations/v2.0',
      'https://login.microsoftonline.us/common/v2.0/',
      'http://localhost:4000/common/v2.0',
    ]) {
      const env = { OIDC_ISSUER: issuer };
      expect(problemOf(env)).toMatch(/^OIDC_ALLOWED_TENANTS is missing/);
      for (const wrong of [`*,${tenant}`, 'example.com']) {
        expect(problemOf({ ...env, OIDC_ALLOWED_TENANTS: wrong })).toMatch(/must be tenant ids/);
      }
      expect(problemOf({ ...env, OIDC_ALLOWED_TENANTS: tenant, OIDC_RESPONSE_MODE: 'jwt' })).toMatch(
        /^OIDC_RESPONSE_MODE=jwt does not work with OIDC_ALLOWED_TENANTS/,
      );
      const config = loadConfig({ ...minimal, ...env, OIDC_ALLOWED_TENANTS: tenant });
      expect(config.providers[0].allowedTenants).toEqual([tenant.toLowerCase()]);
    }
    expect(
      problemsOf({ ...minimal, OIDC_ISSUER: `https://login.microsoftonline.com/${tenant}/v2.0` }),
    ).toEqual([]);
    expect(problemsOf({ ...minimal, OIDC_ISSUER: 'https://idp.example.com/realms/common' })).toEqual([]);
  });
});

describe('names that are no settings', () => {
  test.each([
    ['OIDC_CLIENTID', 'Did you mean OIDC_CLIENT_ID?'],
    ['OIDC_SCOPES', 'Did you mean OIDC_SCOPE?'],
    ['SESSION_SECRETS', 'Did you mean SESSION_SECRET?'],
    ['SESSION_IDLE_MINUTE', 'Did you mean SESSION_IDLE_MINUTES?'],
    ['SESSION_SECRET_FIL', 'Did you mean SESSION_SECRET_FILE?'],
    ['TRUST_PROXY', 'Did you mean TRUST_PROXY_HOPS?'],
    ['SESSION_IDLE', 'Did you mean SESSION_IDLE_MINUTES?'],
    ['REDIS_URI', 'Did you mean REDIS_URL?'],
    ['BASEURL', 'Did you mean BASE_URL?'],
    ['BASE_URL_', 'Did you mean BASE_URL?'],
    ['SHUTDOWN_DELAYSECONDS', 'Did you mean SHUTDOWN_DELAY_SECONDS?'],
    ['TRUST_PROXY_COUNT', 'remove it'],
    ['OIDC_SOMETHING_ELSE_ENTIRELY', 'remove it'],
  ])('%s is noticed', (name, says) => {
    expect(problemOf({ [name]: '1' })).toBe(
      `${name} is not a setting${says.startsWith('D') ? '. ' : ': '}${says}${
        says.startsWith('D') ? '' : ', or look up its name in .env.example.'
      }`,
    );
  });

  test('names of desktops and clusters are left alone', () => {
    const foreign = {
      SESSION_MANAGER: 'local/x',
      OIDC_SERVICE_HOST: '10.0.0.1',
      REDIS_SERVICE_HOST: '10.0.0.2',
      REDIS_PORT: 'tcp://x',
      REDIS_TLS_URL: 'rediss://x',
      REDIS_PASSWORD: 'x',
      REDIS_HOST: 'x',
      LOGLEVEL: 'warn',
      BASE: 'x',
      OIDC_PORT_80_TCP: 'tcp://x',
    };
    expect(problemsOf({ ...minimal, ...foreign })).toEqual([]);
  });
});

describe('secrets', () => {
  test('a session secret that can be guessed is refused', () => {
    for (const weak of [
      'change-me-change-me-change-me-now-please',
      'CHANGEME_8f7a6b5c4d3e2f1a0b9c8d7e6f5a',
      'replace-me-with-a-long-random-string!!',
      'your-session-secret-goes-here-at-least-32',
      '<32 random characters or more go here>',
      'keyboard cat keyboard dog keyboard fish',
      'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0j',
    ]) {
      expect(problemOf({ SESSION_SECRET: weak }), weak).toMatch(/Make one with: node -e/);
      expect(problemOf({ SESSION_SECRET_PREVIOUS: weak }), weak).toMatch(/^SESSION_SECRET_PREVIOUS /);
    }
  });

  test('a session secret of a few characters over and over is refused where others can reach the app', () => {
    const published = { ...minimal, BASE_URL: 'https://app.example.com', REDIS_URL: 'redis://127.0.0.1' };
    for (const weak of ['a'.repeat(64), 'abcdefgh'.repeat(5)]) {
      expect(problemsOf({ ...published, SESSION_SECRET: weak }).join(), weak).toMatch(/too easy to guess/);
      expect(problemsOf({ ...minimal, SESSION_SECRET: weak }), weak).toEqual([]);
    }
  });

  test('whatever the command makes is taken, in hex and base64 as well', () => {
    for (let round = 0; round < 200; round += 1) {
      const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(32)));
      for (const value of [bytes.toString('base64url'), bytes.toString('base64'), bytes.toString('hex')]) {
        expect(problemsOf({ ...minimal, SESSION_SECRET: value }), value).toEqual([]);
      }
    }
  });

  test('the previous secret is another one', () => {
    expect(problemOf({ SESSION_SECRET_PREVIOUS: secret })).toContain('is the same as SESSION_SECRET');
  });

  test('a placeholder is no client secret', () => {
    expect(problemOf({ OIDC_CLIENT_SECRET: 'your-client-secret' })).toContain('is still a placeholder');
    expect(problemOf({ OIDC_CLIENT_SECRET: '<secret>' })).toContain('is still a placeholder');
  });

  test('each is read from a file too, without its last line break', () => {
    const { SESSION_SECRET: _, OIDC_CLIENT_SECRET: __, ...rest } = minimal;
    const config = loadConfig({
      ...rest,
      SESSION_SECRET_FILE: file('secret', `${secret}\n`),
      SESSION_SECRET_PREVIOUS_FILE: file('previous', `${otherSecret}\r\n`),
      OIDC_CLIENT_SECRET_FILE: file('client', 'from a file'),
      REDIS_URL_FILE: file('redis', 'redis://localhost\n'),
    });
    expect(config.session.secrets).toEqual([secret, otherSecret]);
    expect(config.providers[0].clientSecret).toBe('from a file');
    expect(config.redis.urls).toEqual(['redis://localhost']);
  });

  test('a secret given twice, or in a file that cannot be used, is a problem', () => {
    const path = file('twice', secret);
    expect(problemOf({ SESSION_SECRET_FILE: path })).toMatch(/are both set/);
    const { SESSION_SECRET: _, ...rest } = minimal;
    expect(problemOf({ SESSION_SECRET_FILE: join(folder, 'none') }, rest)).toMatch(/cannot be read/);
    expect(problemOf({ SESSION_SECRET_FILE: folder }, rest)).toMatch(/cannot be read/);
    expect(problemOf({ SESSION_SECRET_FILE: '/dev/zero' }, rest)).toMatch(/cannot be read/);
    expect(problemOf({ SESSION_SECRET_FILE: file('empty', '\n') }, rest)).toMatch(/empty file/);
    expect(problemOf({ SESSION_SECRET_FILE: file('two', `${secret}\n\n`) }, rest)).toMatch(/line break/);
  });

  test('no problem shows a secret, nor what may be one in the wrong place', () => {
    const canary = 'canary-9f8e7d6c';
    const env = {
      ...Object.fromEntries(
        settings.map(({ name, secret: hidden }) => [name, `${hidden ? '' : 'https://u:'}${canary}\t@`]),
      ),
      OIDC_CLIENTS: canary,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    };
    const short = {
      OIDC_CLIENT_SECRET: `your-${canary}`,
      SESSION_SECRET: canary,
      REDIS_URL: `redis://:${canary}@a/x`,
      BASE_URL: `https://u:${canary}@x`,
      OIDC_CLIENT_AUTH: `some-longer-value-${canary}`,
      OIDC_CLIENT_KEY_FILE: canary,
    };
    for (const settingsWithCanary of [env, short]) {
      const problems = problemsOf(settingsWithCanary);
      expect(problems.length).toBeGreaterThan(4);
      expect(problems.join('\n')).not.toContain(canary);
    }
  });
});

describe('client authentication', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = file('rsa.pem', rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  const jwk = file(
    'ec.jwk',
    JSON.stringify({ ...ec.privateKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' }),
  );
  const { OIDC_CLIENT_SECRET: _, ...noSecret } = minimal;
  const jwt = { ...noSecret, OIDC_CLIENT_AUTH: 'private_key_jwt' };

  test('a key is taken as PEM and as JWK, and comes out as PKCS #8 either way', () => {
    const { clientKeys } = loadConfig({ ...jwt, OIDC_CLIENT_KEY_FILE: `${jwk}, ${pem}` }).providers[0];
    expect(clientKeys).toEqual([
      { pem: ec.privateKey.export({ type: 'pkcs8', format: 'pem' }), kid: 'k1', alg: 'ES256' },
      { pem: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) },
    ]);
  });

  test('a file without a usable private key is distinguished', () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    const x25519 = generateKeyPairSync('x25519').privateKey;
    const locked = rsa.privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    for (const [content, says] of [
      [rsa.publicKey.export({ type: 'spki', format: 'pem' }), 'one private key'],
      [JSON.stringify(ec.publicKey.export({ format: 'jwk' })), 'one private key'],
      [JSON.stringify({ keys: [ec.privateKey.export({ format: 'jwk' })] }), 'one private key'],
      [JSON.stringify({ kty: 'oct', k: 'c2VjcmV0' }), 'one private key'],
      ['{', 'one private key'],
      ['', 'one private key'],
      [small.export({ type: 'pkcs8', format: 'pem' }), '2048 bits'],
      [x25519.export({ type: 'pkcs8', format: 'pem' }), 'must name an RSA key'],
      [locked, 'passphrase'],
    ] as const) {
      expect(problemOf({ OIDC_CLIENT_KEY_FILE: file('bad', content.toString()) }, jwt)).toContain(says);
    }
    expect(problemOf({ OIDC_CLIENT_KEY_FILE: join(folder, 'none') }, jwt)).toContain('cannot be read');
    expect(problemOf({ OIDC_CLIENT_KEY_FILE: `${pem},${pem},${pem}` }, jwt)).toContain('one file, or two');
    expect(problemOf({ OIDC_CLIENT_KEY_FILE: `${pem},` }, jwt)).toContain('one file, or two');
  });

  test('each way says what it misses', () => {
    for (const way of ['client_secret_basic', 'client_secret_post', 'client_secret_jwt']) {
      expect(problemOf({ OIDC_CLIENT_AUTH: way }, noSecret)).toMatch(/^OIDC_CLIENT_SECRET is missing/);
    }
    expect(problemOf({}, jwt)).toMatch(/^OIDC_CLIENT_KEY_FILE is missing/);
    for (const way of ['tls_client_auth', 'self_signed_tls_client_auth']) {
      expect(problemsOf({ ...noSecret, OIDC_CLIENT_AUTH: way })).toHaveLength(2);
    }
  });

  test('a secret, key or certificate without an effect is refused', () => {
    expect(problemOf({ OIDC_CLIENT_KEY_FILE: pem })).toMatch(/^OIDC_CLIENT_KEY_FILE has no effect/);
    expect(problemOf({ OIDC_CLIENT_CERT_FILE: pem })).toMatch(/^OIDC_CLIENT_CERT_FILE has no effect/);
    const both = { OIDC_CLIENT_KEY_FILE: pem, OIDC_CLIENT_SECRET: 'a-secret' };
    expect(problemOf(both, jwt)).toMatch(/^OIDC_CLIENT_SECRET has no effect/);
  });

  test('the algorithm of a key fits the key, and the setting wins over the JWK', () => {
    const signing = (OIDC_CLIENT_KEY_FILE: string, OIDC_CLIENT_KEY_ALG: string) => ({
      OIDC_CLIENT_KEY_FILE,
      OIDC_CLIENT_KEY_ALG,
    });
    for (const [path, alg] of [
      [pem, 'ES256'],
      [pem, 'EdDSA'],
      [jwk, 'RS256'],
      [jwk, 'ES384'],
      [`${jwk},${pem}`, 'ES256'],
    ] as const) {
      expect(problemOf(signing(path, alg), jwt)).toContain(`OIDC_CLIENT_KEY_ALG=${alg} does not fit the key`);
    }
    for (const [path, alg] of [
      [pem, 'PS512'],
      [jwk, 'ES256'],
    ] as const) {
      expect(loadConfig({ ...jwt, ...signing(path, alg) }).providers[0].clientKeyAlg).toBe(alg);
    }
    const odd = file(
      'odd.jwk',
      JSON.stringify({ ...rsa.privateKey.export({ format: 'jwk' }), alg: 'ES256' }),
    );
    expect(problemOf({ OIDC_CLIENT_KEY_FILE: odd }, jwt)).toContain('"alg" does not fit its key');
    expect(problemsOf({ ...jwt, ...signing(odd, 'PS256') })).toEqual([]);
  });

  test('a client assertion is described for the ways that send one', () => {
    const assertion = {
      OIDC_CLIENT_ASSERTION_AUDIENCE: 'token_endpoint',
      OIDC_CLIENT_ASSERTION_TYP: 'client-authentication+jwt',
    };
    const expected = {
      clientAssertionAudience: 'token_endpoint',
      clientAssertionTyp: 'client-authentication+jwt',
    };
    const signed = { ...jwt, OIDC_CLIENT_KEY_FILE: pem };
    const shared = { ...minimal, OIDC_CLIENT_AUTH: 'client_secret_jwt' };
    for (const base of [signed, shared]) {
      expect(loadConfig({ ...base, ...assertion }).providers[0]).toMatchObject(expected);
      const none = loadConfig({ ...base, OIDC_CLIENT_ASSERTION_TYP: 'none' }).providers[0];
      expect(none.clientAssertionTyp).toBeUndefined();
    }
  });

  test('every problem of a way is named at once', () => {
    const absent = join(folder, 'absent');
    const unused = {
      OIDC_CLIENT_ASSERTION_AUDIENCE: 'token_endpoint',
      OIDC_CLIENT_ASSERTION_TYP: 'JWT',
      OIDC_CLIENT_KEY_ALG: 'ES256',
    };
    const plainHttp = { OIDC_ISSUER: 'http://localhost:3001' };
    const secretToo = { OIDC_CLIENT_SECRET: 'a-secret' };
    const key = { OIDC_CLIENT_KEY_FILE: absent };
    const cert = { OIDC_CLIENT_CERT_FILE: absent };
    const keyGone = 'OIDC_CLIENT_KEY_FILE names a file that cannot be read';
    const certGone = 'OIDC_CLIENT_CERT_FILE names a file that cannot be read';
    const noSecretNeeded = 'OIDC_CLIENT_SECRET has no effect';
    const unusedToo = Object.keys(unused).map((name) => `${name} has no effect`);
    const cases: [way: string, env: NodeJS.ProcessEnv, problems: string[]][] = [
      ['private_key_jwt', { ...secretToo, ...key }, [noSecretNeeded, keyGone]],
      [
        'private_key_jwt',
        { ...secretToo, ...cert, OIDC_CLIENT_KEY_FILE: `${absent},${absent},${pem}` },
        [noSecretNeeded, keyGone, keyGone, 'OIDC_CLIENT_KEY_FILE must be one', certGone],
      ],
      [
        'private_key_jwt',
        { ...secretToo, OIDC_CLIENT_KEY_FILE: pem, OIDC_CLIENT_KEY_ALG: 'ES256' },
        [noSecretNeeded, 'OIDC_CLIENT_KEY_ALG=ES256 does not fit'],
      ],
      [
        'tls_client_auth',
        { ...secretToo, ...key, ...cert, ...unused, ...plainHttp },
        [noSecretNeeded, ...unusedToo, keyGone, certGone, 'OIDC_CLIENT_AUTH=tls_client_auth needs an https'],
      ],
      [
        'self_signed_tls_client_auth',
        { ...secretToo, ...cert },
        [noSecretNeeded, 'OIDC_CLIENT_KEY_FILE is missing', certGone],
      ],
      [
        'client_secret_basic',
        { ...key, ...cert, ...unused },
        [
          'OIDC_CLIENT_SECRET is missing',
          'OIDC_CLIENT_KEY_FILE has no effect',
          'OIDC_CLIENT_CERT_FILE has no effect',
          ...unusedToo,
        ],
      ],
      [
        'workload_identity',
        { ...secretToo, ...key, ...cert, ...unused },
        [
          'OIDC_CLIENT_ASSERTION_FILE is missing. OIDC_CLIENT_AUTH=workload_identity needs it.',
          noSecretNeeded,
          'OIDC_CLIENT_KEY_FILE has no effect',
          'OIDC_CLIENT_CERT_FILE has no effect',
          ...unusedToo,
        ],
      ],
      [
        'private_key_jwt',
        { ...key, OIDC_CLIENT_CERT_FILE: `${absent},`, OIDC_CLIENT_ASSERTION_FILE: absent },
        ['OIDC_CLIENT_ASSERTION_FILE has no effect', keyGone, certGone, 'OIDC_CLIENT_CERT_FILE must be one'],
      ],
      ['no such way', { ...key, ...cert }, ['OIDC_CLIENT_AUTH must be one of', keyGone, certGone]],
    ];
    for (const [way, env, expected] of cases) {
      const problems = problemsOf({ ...noSecret, ...env, OIDC_CLIENT_AUTH: way });
      expect(problems.length, problems.join('\n')).toBe(expected.length);
      for (const start of expected) {
        expect(problems.filter((problem) => problem.startsWith(start)).length, `${way}: ${start}`).toBe(
          expected.filter((each) => each === start).length,
        );
      }
    }
    const both = { SESSION_SECRET: secret, SESSION_SECRET_FILE: absent };
    expect(problemsOf({ ...minimal, ...both })).toEqual([
      expect.stringContaining('are both set'),
      expect.stringContaining('cannot be read'),
    ]);
  });

  test('a certificate comes with its own key', () => {
    const tls = { ...noSecret, OIDC_CLIENT_AUTH: 'tls_client_auth' };
    const certificate = makeCertificate();
    const cert = file('cert.pem', certificate.cert);
    const key = file('key.pem', certificate.key);
    const config = loadConfig({ ...tls, OIDC_CLIENT_KEY_FILE: key, OIDC_CLIENT_CERT_FILE: cert });
    expect(config.providers[0].clientCert).toBe(certificate.cert);
    expect(config.providers[0].clientKeys).toEqual([{ pem: certificate.key }]);

    const wrong = (more: NodeJS.ProcessEnv) =>
      problemOf({ OIDC_CLIENT_KEY_FILE: key, OIDC_CLIENT_CERT_FILE: cert, ...more }, tls);
    expect(wrong({ OIDC_CLIENT_KEY_FILE: pem })).toContain('do not belong together');
    expect(wrong({ OIDC_CLIENT_KEY_FILE: jwk })).toContain('must name a PEM file');
    expect(wrong({ OIDC_CLIENT_CERT_FILE: pem })).toContain('with a certificate in it');
    expect(wrong({ OIDC_CLIENT_CERT_FILE: folder })).toContain('cannot be read');
    expect(wrong({ OIDC_ISSUER: 'http://localhost:3001' })).toContain('needs an https OIDC_ISSUER');
  });
});

const example = sharedFile('.env.example') ?? '';

describe.skipIf(example === '')('.env.example', () => {
  const lines = [...example.matchAll(/^# ([A-Z][A-Z0-9_]+)=(.*)$/gm)];

  test('it has every setting once, with its default or its example', () => {
    const names = lines.map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining(settings.map(({ name }) => name)));
    expect(names).toHaveLength(new Set(names).size);
    for (const { name, default: fallback, example: shown } of settings) {
      const [, , value] = lines.find((line) => line[1] === name) ?? [];
      expect(value, name).toBe(fallback ?? shown ?? '');
    }
  });

  test('as it is it sets nothing, so that a copy of it starts the development provider', () => {
    expect(parseEnv(example)).toEqual({});
  });

  test('every setting is below a comment that explains it', () => {
    for (const block of example.split('\n\n')) {
      if (/^# [A-Z0-9_]+=/m.test(block)) expect(block, block).toMatch(/^# (?![A-Z0-9_]+=)\S/);
    }
  });
});
