import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { checkSignedRequests } from '../doctor/signed-requests.ts';
import { type KeyFile, makeKeyFolder } from './helpers/doctor-keys.ts';
import type { Server } from './helpers/doctor-provider.ts';
import { asPrinted, crosses, linesAbout, linesAt, providerOf } from './helpers/doctor-real.ts';
import { keycloak, openIddict, plainServer } from './helpers/doctor-servers.ts';
import { examineTwo } from './helpers/doctor-several.ts';
import { expectRow, runRow, stopProviders } from './helpers/doctor-table.ts';

// What the doctor says of sign-in requests that are signed (RFC 9101).

const folder = makeKeyFolder();
afterEach(stopProviders);
afterAll(folder.remove);
const [key, second, rsa] = await Promise.all([folder.make('ec'), folder.make('ec'), folder.make('rsa')]);

const signs = { OIDC_REQUEST_OBJECT: 'true', OIDC_CLIENT_KEY_FILE: key.file };
const jwks = (...keys: KeyFile[]) => ({ keys: keys.map(({ jwk, kid }) => ({ ...jwk, kid, use: 'sig' })) });
const none = { enabled: false };

describe('a provider that takes signed requests', () => {
  test.each([['auto'], ['off']])('is asked by one, and takes it, with OIDC_PAR=%s', async (par) => {
    const lines = await linesAt({
      env: { ...signs, OIDC_PAR: par },
      client: { jwks: jwks(key), require_signed_request_object: true },
    });
    expect(linesAbout(lines, 'signed requests', 'redirect address')).toEqual([
      '✓ signed requests: are offered and used.',
      '✓ signed requests: are signed with ES256, which is offered.',
      expect.stringMatching(/^✓ redirect address: the provider accepts /),
    ]);
    expect(crosses(lines)).toEqual([]);
  });

  test.each([['auto'], ['off']])('and does not know the key, with OIDC_PAR=%s', async (par) => {
    const lines = await linesAt({ env: { ...signs, OIDC_PAR: par }, client: { jwks: jwks(second) } });
    expect(crosses(lines)).toEqual([
      expect.stringMatching(
        /^✗ sign-in request: the provider refuses it signed \(invalid_request_object.*\), and accepts it unsigned\. Register the key set and the client metadata below at the provider/,
      ),
    ]);
    expect(linesAbout(lines, 'redirect address')).toEqual([expect.stringMatching(/^✓/)]);
  });

  test('and insists on them, and does not know the key: nothing else is blamed', async () => {
    const lines = await linesAt({
      env: signs,
      client: { jwks: jwks(second), require_signed_request_object: true },
    });
    expect(crosses(lines)).toEqual([
      expect.stringMatching(
        /^✗ sign-in request: the provider refuses the pushed request \(invalid_request_object.*\)\. Register the key set and the client metadata below/,
      ),
    ]);
  });

  test.each([
    ['insists on them', true],
    ['takes others too', false],
  ])('and %s, and refuses a scope: that alone is blamed', async (_what, require_signed_request_object) => {
    const lines = await linesAt({
      env: { ...signs, OIDC_SCOPE: 'openid email' },
      client: { jwks: jwks(key), require_signed_request_object, scope: 'openid' },
    });
    expect(crosses(lines)).toEqual([
      expect.stringMatching(/^✗ sign-in request: the provider refuses the scope email \(invalid_scope/),
    ]);
  });

  test('and insists on them, while the app signs none', async () => {
    const features = { requestObjects: { enabled: true, requireSignedRequestObject: true } };
    const lines = await linesAt({ overrides: { features } });
    const hint =
      'Set OIDC_REQUEST_OBJECT=true, and OIDC_CLIENT_KEY_FILE to a private key, and register the key set that this then prints.';
    expect(crosses(lines)).toEqual([
      `✗ signed requests: the provider requires them (require_signed_request_object), and OIDC_REQUEST_OBJECT is false. ${hint}`,
      expect.stringMatching(/^✗ sign-in request: .*Request Object must be used by this client\)\. Set OIDC_/),
    ]);
    expect(crosses(lines)[1]).toContain(hint);
  });

  test('says the same for this app alone', async () => {
    const lines = await linesAt({
      env: {
        OIDC_CLIENT_SECRET: undefined,
        OIDC_CLIENT_AUTH: 'private_key_jwt',
        OIDC_CLIENT_KEY_FILE: key.file,
      },
      client: {
        jwks: jwks(key),
        token_endpoint_auth_method: 'private_key_jwt',
        client_secret: undefined as never,
        require_signed_request_object: true,
      },
    });
    // The key is there already.
    expect(crosses(lines)).toEqual([
      expect.stringMatching(
        /^✗ sign-in request: .*Set OIDC_REQUEST_OBJECT=true, and register the key set that this then prints\.$/,
      ),
    ]);
  });
});

describe('a provider that refuses a signed request', () => {
  const refuses = (description: string): Partial<Server> => ({
    par: () => ({ status: 400, json: { error: 'invalid_request_object', error_description: description } }),
  });
  const ofRequest = /^✗ sign-in request: the provider refuses the pushed request \(invalid_request_object/;

  test('for its audience has not refused the assertion that came with it', async () => {
    await expectRow({
      server: (app) => plainServer(app, refuses('The audience is not valid')),
      app: { key: key.jwk },
      env: { ...signs, OIDC_CLIENT_SECRET: undefined, OIDC_CLIENT_AUTH: 'private_key_jwt' },
      lines: [/^✓ client authentication: private_key_jwt is accepted/, ofRequest],
      exit: 1,
    });
  });

  test('of a client with a made-up secret has not looked at the secret', async () => {
    await expectRow({
      server: (app) =>
        plainServer(app, {
          ...refuses('The key is not known'),
          token: () => ({ status: 400, json: { error: 'invalid_grant' } }),
        }),
      env: signs,
      lines: [/^✗ client authentication: the provider does not check the secret of web-app/, ofRequest],
      exit: 1,
    });
  });
});

describe('a provider that takes no signed requests', () => {
  test.each([
    [
      'auto',
      '✓ signed requests: are used. The metadata does not say that they are offered; with PAR it need not.',
    ],
    [
      'off',
      expect.stringMatching(
        /^! signed requests: the metadata does not say that they are offered .*which means that they are not\. Switch them on/,
      ),
    ],
  ])('says so when it is asked, with OIDC_PAR=%s', async (par, line) => {
    const lines = await linesAt({
      env: { ...signs, OIDC_PAR: par },
      overrides: { features: { requestObjects: none } },
    });
    expect(linesAbout(lines, 'signed requests')).toContainEqual(line);
    expect(crosses(lines)).toEqual([
      '✗ sign-in request: the provider refuses it signed (request_not_supported), and accepts it unsigned. Switch signed requests on at the provider for this app, or set OIDC_REQUEST_OBJECT=false.',
    ]);
  });

  test('ignores them, and misses the address that is inside', async () => {
    await expectRow({
      server: plainServer,
      env: signs,
      lines: [
        /^✗ sign-in request: the provider refuses it signed \(status 400: Unregistered redirect_uri\), and accepts it unsigned\. Switch signed requests on/,
        /^✓ redirect address: the provider accepts/,
      ],
      not: /Register exactly this redirect address/,
      exit: 1,
    });
  });

  test('and has no JARM either: both are found, each with what to do', async () => {
    const lines = await linesAt({
      env: { ...signs, OIDC_RESPONSE_MODE: 'jwt' },
      overrides: { features: { requestObjects: none, jwtResponseModes: none } },
    });
    expect(linesAbout(lines, 'sign-in request')).toEqual([
      expect.stringMatching(/^✗ .* refuses what OIDC_RESPONSE_MODE asks for \(unsupported_response_mode/),
      expect.stringMatching(/^✗ .* refuses it signed \(request_not_supported\), and accepts it unsigned/),
    ]);
  });

  test.each([
    ['Keycloak', keycloak],
    ['OpenIddict', openIddict],
  ])('%s knows the client all the same, and nobody else', async (_name, server) => {
    const { lines } = await runRow({ server, env: signs });
    expect(linesAbout(lines, 'client authentication')).toContainEqual(
      '✓ client authentication: client_secret_basic is accepted: the provider knows web-app.',
    );
  });
});

describe('the metadata about signed requests', () => {
  const par = { pushed_authorization_request_endpoint: 'https://login.example.com/par' };
  const used = { request_parameter_supported: true };
  const algs = (...all: string[]) => ({ request_object_signing_alg_values_supported: all });

  test.each<[what: string, metadata: object, env: object, lines: unknown[]]>([
    [
      'is not looked at where the app signs none',
      algs(),
      { OIDC_REQUEST_OBJECT: undefined, OIDC_CLIENT_KEY_FILE: undefined },
      [],
    ],
    [
      'excludes them',
      { request_parameter_supported: false },
      {},
      [
        '✗ signed requests: are not offered (request_parameter_supported). Switch them on at the provider, or set OIDC_REQUEST_OBJECT=false.',
        '✓ signed requests: are signed with ES256; the metadata lists no algorithms for them.',
      ],
    ],
    [
      'excludes them, and PAR may take them',
      { request_parameter_supported: false, ...par },
      {},
      [
        expect.stringMatching(
          /^! signed requests: are not offered \(request_parameter_supported\), though PAR may take them\. Switch/,
        ),
        expect.anything(),
      ],
    ],
    [
      'does not list what the key signs with',
      { ...used, ...algs('RS256', 'PS256') },
      {},
      [
        expect.anything(),
        '✗ signed requests: are signed with ES256, and the metadata does not list that for them. Set OIDC_CLIENT_KEY_ALG, or make another key, for one that it lists: RS256, PS256.',
      ],
    ],
    [
      'lists one of those that the key can sign with: that is used',
      { ...used, ...algs('none', 'PS384') },
      { OIDC_CLIENT_KEY_FILE: rsa.file },
      [expect.anything(), '✓ signed requests: are signed with PS384, which is offered.'],
    ],
    [
      'does not list what is set',
      { ...used, ...algs('RS256') },
      { OIDC_CLIENT_KEY_FILE: rsa.file, OIDC_CLIENT_KEY_ALG: 'PS256' },
      [expect.anything(), expect.stringMatching(/^✗ signed requests: are signed with PS256, and/)],
    ],
    [
      'has no PAR, while there are two keys',
      { ...used, ...algs('ES256') },
      { OIDC_CLIENT_KEY_FILE: `${key.file},${second.file}` },
      [
        expect.anything(),
        expect.anything(),
        expect.stringMatching(
          /^✓ signed requests: the first key in OIDC_CLIENT_KEY_FILE signs all of them: without PAR.* Register a new key before you put it first\.$/,
        ),
      ],
    ],
    [
      'has PAR, where a second key is tried',
      { ...used, ...algs('ES256'), ...par },
      { OIDC_CLIENT_KEY_FILE: `${key.file},${second.file}` },
      [
        '✓ signed requests: are offered and used.',
        '✓ signed requests: are signed with ES256, which is offered.',
      ],
    ],
  ])('%s', async (_what, metadata, env, expected) => {
    const found = await checkSignedRequests({ ...metadata }, providerOf({ ...signs, ...env }));
    expect(asPrinted(found)).toEqual(expected);
  });
});

test('with several providers each line says of which it is, and calls settings by their full names', async () => {
  const { lines } = await examineTwo({
    env: {
      OIDC_WORK_REQUEST_OBJECT: 'true',
      OIDC_WORK_CLIENT_KEY_FILE: key.file,
      OIDC_WORK_RESPONSE_MODE: 'jwt',
    },
  });
  const about = lines.filter((line) =>
    /signed |refuses it signed|register as (key set|client meta)/.test(line),
  );
  expect(about.length).toBeGreaterThan(4);
  for (const line of about) {
    expect(line).toMatch(/^. work: /);
    expect(line).not.toMatch(/OIDC_(REQUEST|RESPONSE|CLIENT|ID_TOKEN)/);
  }
  expect(about.join('\n')).toMatch(/set OIDC_WORK_RESPONSE_MODE=query/);
});
