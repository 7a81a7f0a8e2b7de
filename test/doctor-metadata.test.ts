import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { mask, said, warning } from '../src/doctor/finding.ts';
import { checkOffers } from '../src/doctor/offers.ts';
import { plainText } from '../src/doctor/plain-text.ts';
import type { Server } from './helpers/doctor-provider.ts';
import { about, type Env, sessionSecret } from './helpers/doctor-run.ts';
import {
  glewlwyd,
  identityServer4,
  keycloak,
  openIddict,
  plainServer,
  proves,
} from './helpers/doctor-servers.ts';
import { expectRow, type Row, runRow, stopProviders } from './helpers/doctor-table.ts';

afterEach(stopProviders);

const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const jwkOf = (alg: 'rsa' | 'short' | 'ec' | 'ed25519', more: object = {}) => {
  const { publicKey } =
    alg === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : alg === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: alg === 'short' ? 1024 : 2048 });
  return { ...publicKey.export({ format: 'jwk' }), ...more };
};
const keys = (...all: unknown[]): Partial<Server> => ({ jwks: { json: { keys: all } } });
const metadata = (more: Record<string, unknown>): Partial<Server> => ({ metadata: more });

describe('the key set', () => {
  const none = 'has no usable key for RS256';

  test.each<[what: string, Omit<Row, 'server'>]>([
    [
      'is empty',
      { more: keys(), lines: [/^✗ key set: the one at .*\/jwks is empty\. Make a signing key/], exit: 1 },
    ],
    [
      'has keys for other algorithms only',
      {
        more: keys(jwkOf('ec'), jwkOf('ed25519')),
        lines: [
          new RegExp(
            `^✗ key set: .* ${none}; its keys are for ES256, EdDSA, Ed25519\\. Set OIDC_ID_TOKEN_ALG`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'has a key that says another algorithm',
      {
        more: keys(jwkOf('rsa', { alg: 'PS256' })),
        lines: [new RegExp(`^✗ key set: .* ${none}; its keys are for PS256\\.`)],
        exit: 1,
      },
    ],
    [
      'has keys for encryption, short keys and entries that are no keys',
      {
        more: keys(
          jwkOf('rsa', { use: 'enc' }),
          jwkOf('rsa', { key_ops: ['encrypt'] }),
          jwkOf('short'),
          null,
          {},
          'x',
          { kty: 'new' },
        ),
        lines: [new RegExp(`^✗ key set: .* ${none}, nor for any other algorithm\\. Make a signing key`)],
        exit: 1,
      },
    ],
    [
      'has a good key among others',
      {
        more: keys(null, { kty: 'new' }, jwkOf('ec'), jwkOf('rsa')),
        lines: [/^✓ key set: has a key for RS256\.$/],
        exit: 0,
      },
    ],
    [
      'has a key for EdDSA, which is Ed25519',
      {
        more: {
          ...keys(jwkOf('ed25519', { alg: 'EdDSA' })),
          ...metadata({ id_token_signing_alg_values_supported: ['EdDSA'] }),
        },
        env: { OIDC_ID_TOKEN_ALG: 'Ed25519' },
        lines: [/^✓ key set: has a key for Ed25519\.$/, /^✓ signing algorithm: /],
        exit: 0,
      },
    ],
    [
      'is not there',
      { more: { jwks: { status: 404 } }, lines: [/^✗ key set: .* answers with status 404\./], exit: 1 },
    ],
    [
      'is a page',
      {
        more: { jwks: { html: '<h1>It works</h1>' } },
        lines: [/^✗ key set: .* something that is no key set\./],
        exit: 1,
      },
    ],
    [
      'cannot be reached',
      {
        more: metadata({ jwks_uri: 'http://127.0.0.1:9/jwks' }),
        lines: [/^✗ key set: http:\/\/127\.0\.0\.1:9\/jwks does not answer \(ECONNREFUSED\)\./],
        exit: 1,
      },
    ],
  ])('%s', (_what, row) => expectRow({ server: plainServer, ...row }));
});

describe('what the metadata lists', () => {
  test.each<[what: string, Omit<Row, 'server'> & Partial<Row>]>([
    [
      'lacks scopes (django-oauth-toolkit): each one is named',
      {
        more: metadata({ scopes_supported: ['openid', 'read'] }),
        lines: [/^! scopes: the metadata does not list profile, email\. Take out of OIDC_SCOPE/],
        exit: 0,
      },
    ],
    [
      'lacks auth_time (Dex)',
      {
        more: metadata({ claims_supported: ['iss', 'sub', 'email'] }),
        lines: [
          /^! auth_time: the metadata does not list this claim \(Dex.*\)\. Without it rules with maxAgeSeconds stay closed\. Have the provider send auth_time; OIDC_STEP_UP_WITHOUT_AUTH_TIME=true/,
        ],
        exit: 0,
      },
    ],
    [
      'lacks auth_time, where OIDC_MAX_AGE needs it',
      {
        more: metadata({ claims_supported: ['sub'] }),
        env: { OIDC_MAX_AGE: '3600' },
        lines: [/^! auth_time: .*Without it OIDC_MAX_AGE refuses every sign-in.* or take OIDC_MAX_AGE out;/],
        exit: 0,
      },
    ],
    [
      'lacks auth_time, and rules do without',
      {
        more: metadata({ claims_supported: ['sub'] }),
        env: { OIDC_STEP_UP_WITHOUT_AUTH_TIME: 'true' },
        lines: [
          /^! auth_time: .*rules with maxAgeSeconds take any new sign-in \(OIDC_STEP_UP_WITHOUT_AUTH_TIME\)\. Have the provider send auth_time\.$/,
        ],
        exit: 0,
      },
    ],
    [
      'excludes an acr value, and a prompt',
      {
        more: metadata({ acr_values_supported: ['0', '1'], prompt_values_supported: ['none', 'login'] }),
        env: { OIDC_ACR_VALUES: '1 urn:mfa', OIDC_PROMPT: 'select_account' },
        lines: [
          /^! acr: the metadata does not list urn:mfa of OIDC_ACR_VALUES; it lists 0, 1\./,
          /^! prompt: the metadata does not list select_account of OIDC_PROMPT; it lists none, login\./,
        ],
        exit: 0,
      },
    ],
    [
      "knows nothing of IdentityServer's idp: and tenant:, which are no levels",
      {
        more: metadata({ acr_values_supported: ['1'] }),
        env: { OIDC_ACR_VALUES: 'idp:google tenant:acme 1' },
        lines: [/^✓ acr: /],
        exit: 0,
      },
    ],
    [
      'has offline_access at Keycloak, which takes single sign-out away',
      {
        server: keycloak,
        env: { OIDC_SCOPE: 'openid offline_access' },
        lines: [
          /^! offline_access: Keycloak then keeps an offline session .*single sign-on, single sign-out and the administrator's .*\. Take offline_access out of OIDC_SCOPE\. Keycloak gives a refresh token without it\.$/,
        ],
        exit: 0,
      },
    ],
    [
      'has no offline_access, and OIDC_OFFLINE_ACCESS asks for it all the same (LemonLDAP)',
      {
        more: metadata({ scopes_supported: ['openid', 'profile', 'email'] }),
        env: { OIDC_SCOPE: 'openid offline_access', OIDC_OFFLINE_ACCESS: 'always' },
        lines: [
          /^! offline_access: the metadata does not list this scope, and OIDC_OFFLINE_ACCESS=always asks for it\./,
        ],
        exit: 0,
      },
    ],
    [
      'has no offline_access, which OIDC_OFFLINE_ACCESS alone asks for',
      {
        more: metadata({ scopes_supported: ['openid', 'profile', 'email'] }),
        env: { OIDC_OFFLINE_ACCESS: 'always' },
        lines: [
          /^! offline_access: the metadata does not list this scope, and OIDC_OFFLINE_ACCESS=always asks/,
        ],
        exit: 0,
      },
    ],
    [
      'has RS256 alone, whatever a client has (Spring): that cannot be told',
      {
        more: keys(jwkOf('rsa'), jwkOf('ec')),
        env: { OIDC_ID_TOKEN_ALG: 'ES256' },
        lines: [
          /^! signing algorithm: the metadata lists RS256 alone, .*cannot be told \(Spring.*\)\./,
          /^✓ key set: has a key for ES256/,
        ],
        exit: 0,
      },
    ],
    [
      'has another algorithm than the set one',
      {
        more: metadata({ id_token_signing_alg_values_supported: ['ES256'] }),
        lines: [/^✗ signing algorithm: .*Set OIDC_ID_TOKEN_ALG to .*: ES256\.$/],
        exit: 1,
      },
    ],
  ])('%s', (_what, row) => expectRow({ server: plainServer, ...row }));

  test.each<[issuer: string, words: RegExp, claims: string[] | undefined]>([
    ['https://accounts.google.com', /^Google sends no auth_time/, ['sub']],
    [
      'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
      /^Microsoft Entra sends no/,
      ['sub', 'auth_time'],
    ],
    [
      'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
      /^Microsoft Entra sends no/,
      undefined,
    ],
  ])('%s is known for having no usable auth_time', (OIDC_ISSUER, words, claims_supported) => {
    const { provider } = loadConfig({
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER,
      OIDC_CLIENT_ID: 'web-app',
      OIDC_CLIENT_SECRET: 'a-secret-of-this-app',
    });
    const found = checkOffers({ claims_supported }, provider);
    expect(about(found, 'auth_time')).toMatchObject([
      { state: 'warning', text: expect.stringMatching(words) },
    ]);
  });
});

describe('the issuer', () => {
  test.each<[what: string, named: (issuer: string) => string, words: RegExp]>([
    [
      'host',
      (issuer) => issuer.replace(/127\.0\.0\.1:\d+/, 'internal.example'),
      /the host and port differs, the path is the same/,
    ],
    ['scheme', (issuer) => issuer.replace('http:', 'https:'), /the scheme differs, the path is the same/],
    ['port', (issuer) => issuer.replace(/:\d+/, ':9'), /the port differs, the path is the same/],
  ])(
    'that differs only in its %s is of a provider that builds it from the Host header',
    (_what, named, words) =>
      expectRow({
        server: keycloak,
        more: { named },
        lines: [
          new RegExp(
            `^✗ issuer: the provider calls itself https?:\\S+/realms/demo when it is asked at http://127.0.0.1:\\d+/realms/demo: ${words.source}\\. A provider behind a proxy .* needs Host and X-Forwarded-Proto from the proxy, or a fixed issuer \\(IssuerUri, SetIssuer, KC_HOSTNAME\\)\\.`,
          ),
        ],
        exit: 1,
      }),
  );

  test('of another path is simply another', () =>
    expectRow({
      server: keycloak,
      more: { named: (issuer) => issuer.replace('demo', 'other') },
      lines: [
        /^✗ issuer: is not the one in the settings\. The provider calls itself .*\/realms\/other, OIDC_ISSUER says/,
      ],
      exit: 1,
    }));
});

describe('what the provider says', () => {
  test.each<[what: string, Partial<Row> & Pick<Row, 'lines' | 'exit'>]>([
    [
      'is cut, and has no control characters',
      {
        server: (app) =>
          plainServer(app, {
            token: () => ({
              status: 400,
              json: { error: 'odd', error_description: `\u001b[2J\u0002\r\nx${'y'.repeat(9_000)}` },
            }),
          }),
        lines: [
          /^! client authentication: cannot be told: a code that cannot exist was answered with odd: \[2J xy{190,196}…\. Sign in once to see\.$/,
        ],
        exit: 0,
      },
    ],
    [
      'is a page without its tags, scripts and styles',
      {
        server: (app) =>
          plainServer(app, {
            authorize: () => ({
              status: 400,
              html: '<head><title>t</title></head><script>alert(1)</script><h1>Un<b>known</b> request</h1><p>Say &quot;hi&quot; &amp; go</p>',
            }),
          }),
        lines: [
          /^✗ redirect address: the provider refuses every request of this app \(status 400: Unknown request Say "hi" & go\)\. The address may be one reason/,
        ],
        exit: 1,
      },
    ],
    [
      'is the part of a long page that says what is wrong',
      {
        server: (app) =>
          plainServer(app, {
            authorize: () => ({
              status: 400,
              html: `<header>Our shop</header><nav>Home</nav><main><h1>Oh no</h1><p>${'Please stay calm. '.repeat(30)}</p><p>What it said: invalid_stars, they are not in order</p></main><footer>Imprint</footer>`,
            }),
          }),
        lines: [
          /^✗ redirect address: .*\(status 400: …\S.*What it said: invalid_stars, they are not in order\)\./,
        ],
        not: /Our shop|Home|Imprint/,
        exit: 1,
      },
    ],
    [
      'has no secret in it, however it is written',
      {
        server: (app) =>
          plainServer(app, {
            token: ({ headers }) => ({
              status: 400,
              json: {
                error: 'odd',
                error_description: `got ${headers.authorization} for ${app.secret} ${encodeURIComponent(app.secret)}`,
              },
            }),
          }),
        lines: [/answered with odd: got Basic ••• for ••• •••\. /],
        exit: 0,
      },
    ],
    [
      'is redacted with a short secret, and our own words are not',
      {
        server: (app) =>
          plainServer(app, {
            token: () => ({ status: 400, json: { error: 'odd', error_description: 'the client is odd' } }),
          }),
        env: { OIDC_CLIENT_SECRET: 'client' },
        lines: [
          /^! client authentication: cannot be told: a code that cannot exist was answered with odd: the ••• is odd\./,
          /^! secrets: OIDC_CLIENT_SECRET has only 6 characters\./,
        ],
        exit: 0,
      },
    ],
    [
      'is a code of the specification, which a short secret leaves whole',
      {
        server: plainServer,
        app: { secret: 'another' },
        env: { OIDC_CLIENT_SECRET: 'client' },
        lines: [
          /^✗ client authentication: the provider refuses web-app by client_secret_basic \(invalid_client\)\. Check OIDC_CLIENT_ID, copy OIDC_CLIENT_SECRET/,
        ],
        exit: 1,
      },
    ],
    [
      'is that it wants https',
      {
        server: (app) =>
          keycloak(app, {
            discovery: {
              status: 403,
              json: { error: 'invalid_request', error_description: 'HTTPS required' },
            },
          }),
        lines: [
          /^✗ discovery: \S+ answers with status 403 \(invalid_request: HTTPS required\)\. Name the provider by its https address in OIDC_ISSUER\.$/,
        ],
        exit: 1,
      },
    ],
  ])('%s', (_what, row) => expectRow({ server: plainServer, ...row }));

  test('is looked at in time that grows with its length only', () => {
    const cost = (size: number) => {
      const page = ['<', '<script>', '<b ', '&', '&#', ' \n', 'eyJ-'].map((part) =>
        part.repeat(size / part.length),
      );
      const times = Array.from({ length: 5 }, () => {
        const start = process.cpuUsage();
        for (const each of page) mask([warning('x', said(plainText(each)))], ['secret-of-16-letters']);
        const { user, system } = process.cpuUsage(start);
        return user + system;
      });
      return Math.min(...times);
    };
    cost(50_000);
    expect(cost(400_000) / cost(200_000)).toBeLessThan(3);
  });
});

describe('what to register', () => {
  test('front-channel logout must come with iss and sid', async () => {
    const { lines } = await runRow({ server: plainServer });
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^✓ front-channel logout: register it so that iss and sid come with each call \(frontchannel_logout_session_required\)/,
      ),
    );
  });

  test.each<[name: string, kind: 'rsa' | 'ec' | 'ed25519', alg: string, env: Env]>([
    ['an RSA key', 'rsa', 'RS256', {}],
    ['an RSA key that signs with PS256', 'rsa', 'PS256', { OIDC_CLIENT_KEY_ALG: 'PS256' }],
    ['a P-256 key', 'ec', 'ES256', {}],
    ['an Ed25519 key', 'ed25519', 'EdDSA', {}],
  ])('%s is registered as a key set, whose key id is the thumbprint', async (_name, kind, alg, env) => {
    const { file, jwk } = await clientKey(kind);
    const { lines } = await runRow({
      server: openIddict,
      app: { key: jwk },
      env: {
        OIDC_CLIENT_SECRET: undefined,
        OIDC_CLIENT_AUTH: 'private_key_jwt',
        OIDC_CLIENT_KEY_FILE: file,
        OIDC_CLIENT_ASSERTION_TYP: 'client-authentication+jwt',
        ...env,
      },
    });
    const line = lines.find((each) => each.startsWith('✓ register as key set: ')) ?? '';
    const set = JSON.parse(line.replace('✓ register as key set: ', ''));
    expect(set).toEqual({ keys: [{ ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg }] });
    expect(lines).toContainEqual(
      expect.stringMatching(/^✓ client authentication: private_key_jwt is accepted/),
    );
  });
});

describe('a client assertion', () => {
  const refused = 'the provider refuses web-app by private_key_jwt';

  test.each<[server: string, Omit<Row, 'env'> & { env?: Env }]>([
    [
      'IdentityServer4 wants the token endpoint as audience',
      {
        server: identityServer4,
        lines: [
          new RegExp(
            `^✗ client authentication: ${refused} \\(invalid_client\\), but takes another kind of assertion\\. Set OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint\\.$`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'Glewlwyd wants it too, and says nothing',
      {
        server: glewlwyd,
        lines: [
          new RegExp(
            `^✗ client authentication: ${refused} \\(status 403\\), but takes another kind .*Set OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint\\.$`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict wants a type in the header',
      {
        server: openIddict,
        lines: [
          new RegExp(
            `^✗ client authentication: ${refused} \\(invalid_token: .*unexpected type\\.\\), but takes .*Set OIDC_CLIENT_ASSERTION_TYP=client-authentication\\+jwt\\.$`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict answers another audience with invalid_grant, which is no word about the code',
      {
        server: openIddict,
        env: {
          OIDC_PAR: 'off',
          OIDC_CLIENT_ASSERTION_AUDIENCE: 'token_endpoint',
          OIDC_CLIENT_ASSERTION_TYP: 'client-authentication+jwt',
        },
        lines: [
          new RegExp(
            `^✗ client authentication: ${refused} \\(invalid_grant: The audience of .*\\), but takes .*Set OIDC_CLIENT_ASSERTION_AUDIENCE=issuer\\.$`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'a server that refuses another audience in the very words of any bad token',
      {
        server: (app) =>
          plainServer(app, {
            token: async (asked) => ({
              status: 400,
              json: {
                error: 'invalid_grant',
                error_description: (await proves(app, asked, 'token_endpoint'))
                  ? 'The code is not valid.'
                  : 'The token is not valid.',
              },
            }),
          }),
        lines: [
          new RegExp(
            `^✗ client authentication: ${refused} \\(invalid_grant: The token is not valid\\.\\), but takes .*Set OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint\\.$`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict is told what it wants',
      {
        server: openIddict,
        env: { OIDC_CLIENT_ASSERTION_TYP: 'client-authentication+jwt' },
        lines: [/^✓ client authentication: private_key_jwt is accepted/, /^✓ redirect address/],
        exit: 0,
      },
    ],
    [
      'the key is not registered: no other kind of assertion helps',
      {
        server: identityServer4,
        app: { key: jwkOf('rsa') },
        lines: [
          new RegExp(
            `^✗ client authentication: ${refused} \\(invalid_client\\)\\. Register the key set below`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'the key is not checked',
      {
        server: identityServer4,
        app: { confidential: false },
        lines: [/^✗ client authentication: the provider does not check the key of web-app/],
        exit: 1,
      },
    ],
    [
      'for the token endpoint goes badly with PAR',
      {
        server: glewlwyd,
        env: { OIDC_CLIENT_ASSERTION_AUDIENCE: 'token_endpoint' },
        lines: [
          /^! client assertion: is for the token endpoint, and PAR is used/,
          /^✓ client authentication: private_key_jwt is accepted/,
        ],
        exit: 0,
      },
    ],
  ])('%s', async (_server, { env, app, ...row }) => {
    const { file, jwk } = await clientKey('rsa');
    await expectRow({
      ...row,
      app: { key: jwk, ...app },
      env: {
        OIDC_CLIENT_SECRET: undefined,
        OIDC_CLIENT_AUTH: 'private_key_jwt',
        OIDC_CLIENT_KEY_FILE: file,
        ...env,
      },
    });
  });
});

async function clientKey(kind: 'rsa' | 'ec' | 'ed25519') {
  const { privateKey, publicKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
        : generateKeyPairSync('ed25519');
  const file = join(folder, `${randomUUID()}.pem`);
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { file, jwk: await exportJWK(publicKey) };
}
