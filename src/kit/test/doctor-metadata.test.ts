import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { checkOffers } from '../doctor/offers.ts';
import { checkSignUp } from '../doctor/sign-up.ts';
import type { Server } from './helpers/doctor-provider.ts';
import { about, sessionSecret } from './helpers/doctor-run.ts';
import { keycloak, plainServer } from './helpers/doctor-servers.ts';
import { expectRow, type Row, stopProviders } from './helpers/doctor-table.ts';

afterEach(stopProviders);

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

test('lists with entries that cannot be made a text are read for the others', async () => {
  const odd = [{ toString: 1, valueOf: 1 }, null, [], 'ES256'];
  const lists = [
    ...['request_object_signing_alg_values_supported', 'authorization_signing_alg_values_supported'],
    ...['response_modes_supported', 'code_challenge_methods_supported', 'scopes_supported'],
    ...['id_token_signing_alg_values_supported', 'token_endpoint_auth_methods_supported'],
  ];
  const more = metadata({
    ...Object.fromEntries(lists.map((name) => [name, odd])),
    ...{ mtls_endpoint_aliases: { token_endpoint: odd[0] } },
  });
  await expectRow({
    server: plainServer,
    more,
    env: { OIDC_RESPONSE_MODE: 'jwt' },
    lines: [
      /^✗ signing algorithm: .* registered with: ES256\.$/,
      /^✗ signed answers: are not offered /,
      /^✗ signed answers: must come with RS256 .* of those that it lists: ES256\.$/,
    ],
    exit: 1,
  });
});

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
        lines: [/^✗ key set: .* something other than a key set\./],
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
        lines: [/^! scopes: the metadata does not list profile, email\. Remove from OIDC_SCOPE/],
        exit: 0,
      },
    ],
    [
      'lacks auth_time (Dex)',
      {
        more: metadata({ claims_supported: ['iss', 'sub', 'email'] }),
        lines: [
          /^! auth_time: the metadata does not list this claim \(Dex.*\)\. Without it rules with maxAgeSeconds let nobody through\. Have the provider send auth_time; OIDC_STEP_UP_WITHOUT_AUTH_TIME=true/,
        ],
        exit: 0,
      },
    ],
    [
      'lacks auth_time, where OIDC_MAX_AGE needs it',
      {
        more: metadata({ claims_supported: ['sub'] }),
        env: { OIDC_MAX_AGE: '3600' },
        lines: [/^! auth_time: .*Without it OIDC_MAX_AGE refuses every sign-in.* or remove OIDC_MAX_AGE;/],
        exit: 0,
      },
    ],
    [
      'lacks auth_time, and rules do without',
      {
        more: metadata({ claims_supported: ['sub'] }),
        env: { OIDC_STEP_UP_WITHOUT_AUTH_TIME: 'true' },
        lines: [
          /^! auth_time: .*rules with maxAgeSeconds accept any new sign-in \(OIDC_STEP_UP_WITHOUT_AUTH_TIME\)\. Have the provider send auth_time\.$/,
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
          /^! offline_access: Keycloak then keeps an offline session .*single sign-on, single sign-out and the administrator's .*\. Remove offline_access from OIDC_SCOPE\. Keycloak gives a refresh token without it\.$/,
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
      'is not asked for a refresh token, without which a closed account is not noticed',
      {
        more: {},
        env: { OIDC_SCOPE: 'openid' },
        lines: [
          /^✓ offline_access: is not asked for: .*a user whose account is closed at the provider stays signed in until the session ends\.$/,
        ],
        exit: 0,
      },
    ],
    [
      'offers no refresh token, without which a closed account is not noticed',
      {
        more: metadata({ scopes_supported: ['openid', 'profile', 'email'] }),
        env: { OIDC_SCOPE: 'openid offline_access' },
        lines: [
          /^! offline_access: this scope is not offered, .*a user whose account is closed at the provider stays signed in/,
        ],
        exit: 0,
      },
    ],
    [
      'gives a refresh token without being asked (Keycloak)',
      {
        server: keycloak,
        env: { OIDC_SCOPE: 'openid' },
        lines: [/^✓ offline_access: is not asked for: Keycloak gives a refresh token without it\.$/],
        exit: 0,
      },
    ],
    [
      'has RS256 alone, whatever a client has (Spring): this cannot be checked',
      {
        more: keys(jwkOf('rsa'), jwkOf('ec')),
        env: { OIDC_ID_TOKEN_ALG: 'ES256' },
        lines: [
          /^! signing algorithm: the metadata lists RS256 alone, .*this check cannot see .* \(Spring.*\)\./,
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
    const {
      providers: [provider],
    } = loadConfig({
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
            `^✗ issuer: the provider identifies itself as https?:\\S+/realms/demo when it is asked at http://127.0.0.1:\\d+/realms/demo: ${words.source}\\. A provider behind a proxy .* needs Host and X-Forwarded-Proto from the proxy, or a fixed issuer \\(IssuerUri, SetIssuer, KC_HOSTNAME\\)\\.`,
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
        /^✗ issuer: is not the one in the settings\. The provider identifies itself as .*\/realms\/other, OIDC_ISSUER says/,
      ],
      exit: 1,
    }));
});

describe('a site whose links ask for a new account', () => {
  const links = { loginParameters: ['login_hint', 'prompt=create'] };
  const found = (site: { loginParameters?: string[] }, prompts?: unknown) =>
    [...checkSignUp(site, { prompt_values_supported: prompts })].map(({ state }) => state);

  test('shows whether the provider makes any, where the metadata says so', () => {
    expect(found(links, ['login', 'create'])).toEqual(['ok']);
    expect(found(links, ['login'])).toEqual(['warning']);
    expect(found(links)).toEqual([]);
  });

  test('gets no line about it where it does not name prompt=create itself', () => {
    expect(found({}, ['login'])).toEqual([]);
    expect(found({ loginParameters: ['login_hint'] }, ['login'])).toEqual([]);
  });
});
