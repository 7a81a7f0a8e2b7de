import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { makeKeyFolder } from './helpers/doctor-keys.ts';
import type { Env } from './helpers/doctor-run.ts';
import { glewlwyd, identityServer4, openIddict, plainServer, proves } from './helpers/doctor-servers.ts';
import { expectRow, type Row, runRow, stopProviders } from './helpers/doctor-table.ts';

afterEach(stopProviders);

const folder = makeKeyFolder();
afterAll(folder.remove);

const strangersKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });

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
    const { file, jwk, kid } = await folder.make(kind);
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
    expect(set).toEqual({ keys: [{ ...jwk, kid, use: 'sig', alg }] });
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
            `^✗ client authentication: ${refused} \\(invalid_client\\), but accepts another kind of assertion\\. Set OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint\\.$`,
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
            `^✗ client authentication: ${refused} \\(status 403\\), but accepts another kind .*Set OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint\\.$`,
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
            `^✗ client authentication: ${refused} \\(invalid_token: .*unexpected type\\.\\), but accepts .*Set OIDC_CLIENT_ASSERTION_TYP=client-authentication\\+jwt\\.$`,
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
            `^✗ client authentication: ${refused} \\(invalid_grant: The audience of .*\\), but accepts .*Set OIDC_CLIENT_ASSERTION_AUDIENCE=issuer\\.$`,
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
            `^✗ client authentication: ${refused} \\(invalid_grant: The token is not valid\\.\\), but accepts .*Set OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint\\.$`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict gets what it requires',
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
        app: { key: strangersKey },
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
    const { file, jwk } = await folder.make('rsa');
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
