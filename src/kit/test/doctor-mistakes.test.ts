import { afterEach, describe, expect, test } from 'vitest';
import {
  glewlwyd,
  identityServer4,
  keycloak,
  openIddict,
  plainServer,
  proves,
} from './helpers/doctor-servers.ts';
import { expectRow, type Row, runRow, stopProviders } from './helpers/doctor-table.ts';

// One row a mistake: what is wrong at which server, which answers as the real one does, and the line that must say so.

afterEach(stopProviders);

const addressLine = /^[✗!] redirect address/;
const registerRedirect =
  'Register exactly this redirect address: http:\\/\\/127\\.0\\.0\\.1:\\d+\\/auth\\/callback$';

describe('with PAR, a push that is refused is an error that says why', () => {
  test.each<[mistake: string, Row]>([
    [
      'Keycloak: the standard flow is off',
      {
        server: keycloak,
        app: { codeFlow: false },
        lines: [
          /^✗ sign-in request: the provider refuses the pushed request \(unauthorized_client: Client is not allowed to initiate browser login.* Standard flow is disabled for the client\.\)\. Allow this app the authorization code flow/,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'Keycloak: the PKCE method is plain',
      {
        server: keycloak,
        app: { pkce: 'plain' },
        lines: [
          /^✗ sign-in request: .*\(invalid_request: Invalid parameter: code challenge method is not matching the configured one\)\. Set the PKCE method of this app at the provider to S256/,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'Keycloak: a scope is not allowed',
      {
        server: keycloak,
        app: { scopes: ['openid', 'profile'] },
        lines: [
          /^✓ redirect address: the provider accepts/,
          /^✗ sign-in request: the provider refuses the scope email \(invalid_scope: Invalid scopes: openid profile email\)\. Allow it for this app at the provider, or remove it from OIDC_SCOPE\.$/,
        ],
        exit: 1,
      },
    ],
    [
      'Keycloak: a request object is required',
      {
        server: keycloak,
        app: { requestObject: true },
        lines: [
          /^✗ sign-in request: .*\(invalid_request: Missing parameter: 'request' or 'request_uri'\)\. Set OIDC_REQUEST_OBJECT=true, and OIDC_CLIENT_KEY_FILE to a private key, and register the key set/,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'Keycloak: the realm is disabled',
      {
        server: keycloak,
        app: { realm: false },
        lines: [
          /^✗ client authentication: .*\(access_denied: Realm not enabled\)\. Enable the realm at the provider/,
          /^✗ sign-in request: the provider refuses the pushed request \(access_denied: Realm not enabled\)\. Enable the realm/,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'Keycloak: DPoP is required',
      {
        server: keycloak,
        app: { dpop: true },
        lines: [
          /^✗ client authentication: .*\(invalid_request: DPoP proof is missing\)\. Set OIDC_DPOP=true/,
          /^✗ sign-in request: .*\(invalid_request: DPoP proof is missing\)\. Set OIDC_DPOP=true/,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'Keycloak: the redirect address is another',
      {
        server: keycloak,
        app: { redirect: 'http://127.0.0.1:1/auth/callback' },
        lines: [
          new RegExp(
            `^✗ redirect address: the provider refuses it \\(invalid_request: Invalid parameter: redirect_uri\\)\\. ${registerRedirect}`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict: the app may not use PAR',
      {
        server: openIddict,
        app: { par: 'forbidden' },
        lines: [
          /^✗ sign-in request: .*\(unauthorized_client: This client application is not allowed to use the pushed authorization endpoint\.\)\. Compare the registration of this app with PAR: .*OIDC_PAR=off does without\.$/,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'OpenIddict: a scope is not allowed, which it says only where the pushed request is opened',
      {
        server: openIddict,
        app: { scopes: ['openid', 'profile'] },
        lines: [
          /^✓ redirect address: the provider accepts/,
          /^✗ sign-in request: the provider refuses the scope email \(invalid_request: This client application is not allowed to use the specified scope\.\)/,
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict: the redirect address is another',
      {
        server: openIddict,
        app: { redirect: 'http://127.0.0.1:1/auth/callback' },
        lines: [
          new RegExp(
            `^✗ redirect address: the provider refuses it \\(invalid_request: The specified 'redirect_uri' is not valid.*\\)\\. ${registerRedirect}`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict: the app may not use the code flow',
      {
        server: openIddict,
        app: { codeFlow: false },
        lines: [
          /^✗ client authentication: the provider knows web-app, but does not allow it the authorization code grant \(unauthorized_client: .*grant type\.\)/,
          /^✗ sign-in request: the provider refuses the pushed request where it is opened \(unauthorized_client: .*'response_type'\.\)\. Allow this app the authorization code flow/,
        ],
        exit: 1,
      },
    ],
    [
      'any: the PAR endpoint is not there',
      {
        server: keycloak,
        more: { metadata: { pushed_authorization_request_endpoint: 'http://127.0.0.1:9/par' } },
        lines: [
          /^✗ sign-in request: the PAR endpoint does not answer \(ECONNREFUSED\)\. Check that a firewall/,
        ],
        exit: 1,
      },
    ],
    [
      'any: the PAR endpoint answers with a page',
      {
        server: keycloak,
        more: { par: () => ({ status: 404, html: '<h1>Not found</h1>' }) },
        lines: [/^✗ sign-in request: the provider refuses the pushed request \(status 404: Not found\)\./],
        exit: 1,
      },
    ],
  ])('%s', (_mistake, row) => expectRow(row));

  test('the pushed address is opened once, and nothing is followed', async () => {
    const { provider, lines } = await runRow({ server: openIddict });
    expect(lines).toContainEqual(expect.stringMatching(/^✓ redirect address: the provider accepts/));
    expect(provider.asked.filter(({ endpoint }) => endpoint === 'authorize')).toHaveLength(1);
  });
});

describe('without PAR, what differs is named', () => {
  const refusesAll = new RegExp(
    `^✗ redirect address: the provider refuses every request of this app and does not say why\\. The address may be one reason of several: .* ${registerRedirect}`,
  );
  const refusedScope = (name: string) =>
    new RegExp(
      `^✗ sign-in request: the provider refuses the scope ${name} \\(no reason given\\)\\. Allow it for this app at the provider.*, or remove it from OIDC_SCOPE\\.$`,
    );
  const known = /^✓ redirect address: the provider accepts/;

  test.each<[mistake: string, Row]>([
    [
      'IdentityServer4: offline access is off',
      {
        server: identityServer4,
        app: { scopes: ['openid', 'profile', 'email'] },
        env: { OIDC_SCOPE: 'openid profile email offline_access' },
        lines: [refusedScope('offline_access'), known],
        exit: 1,
      },
    ],
    [
      'IdentityServer4: offline access is off, and OIDC_OFFLINE_ACCESS asks for it',
      {
        server: identityServer4,
        app: { scopes: ['openid', 'profile', 'email'] },
        env: { OIDC_OFFLINE_ACCESS: 'always' },
        lines: [refusedScope('offline_access'), known],
        exit: 1,
      },
    ],
    [
      'a server that tells people that they will be redirected, and not why',
      {
        server: (app) =>
          plainServer(app, {
            authorize: () => ({ status: 403, html: '<p>Forbidden. You will be redirected.</p>' }),
          }),
        lines: [
          /^✗ redirect address: the provider refuses every request of this app \(status 403: Forbidden\. You will be redirected\.\)\. The address may be one reason of several/,
        ],
        exit: 1,
      },
    ],
    [
      'IdentityServer4: a scope is not allowed',
      {
        server: identityServer4,
        app: { scopes: ['openid', 'profile'] },
        lines: [refusedScope('email'), known],
        exit: 1,
      },
    ],
    [
      'IdentityServer4: a scope is not known',
      {
        server: identityServer4,
        env: { OIDC_SCOPE: 'openid profile roles' },
        lines: [refusedScope('roles'), known, /^! scopes: the metadata does not list roles\./],
        exit: 1,
      },
    ],
    [
      'IdentityServer4: a request object is required',
      { server: identityServer4, app: { requestObject: true }, lines: [refusesAll], exit: 1 },
    ],
    [
      'IdentityServer4: the redirect address is another',
      {
        server: identityServer4,
        app: { redirect: 'http://127.0.0.1:1/auth/callback' },
        lines: [refusesAll],
        exit: 1,
      },
    ],
    [
      'IdentityServer4: the client is disabled',
      {
        server: identityServer4,
        app: { enabled: false },
        lines: [
          /^✗ client authentication: the provider refuses web-app by client_secret_basic \(invalid_client\)/,
          refusesAll,
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict: PAR is required',
      {
        server: openIddict,
        app: { par: 'required' },
        env: { OIDC_PAR: 'off' },
        lines: [
          /^✗ sign-in request: the provider refuses it \(invalid_request: Pushed authorization requests must be used by this client application\.\)\. Set OIDC_PAR=auto/,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'Keycloak: the client is disabled',
      {
        server: keycloak,
        app: { enabled: false },
        env: { OIDC_PAR: 'off' },
        lines: [
          /^✗ client authentication: .*\(invalid_client: Invalid client or Invalid client credentials\)/,
          /^✗ sign-in request: the provider refuses it \(status 400: We are sorry\.\.\. Client disabled\.\)\. Enable this app at the provider\.$/,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'Keycloak: the standard flow is off',
      {
        server: keycloak,
        app: { codeFlow: false },
        env: { OIDC_PAR: 'off' },
        lines: [
          /^✗ redirect address: is accepted, but the request is refused \(unauthorized_client: .*Standard flow is disabled.*\)\. Allow this app the authorization code flow/,
        ],
        exit: 1,
      },
    ],
    [
      'Keycloak: a scope is not allowed',
      {
        server: keycloak,
        app: { scopes: ['openid', 'profile'] },
        env: { OIDC_PAR: 'off' },
        lines: [
          known,
          /^✗ sign-in request: the provider refuses the scope email \(invalid_scope: Invalid scopes/,
        ],
        exit: 1,
      },
    ],
    [
      'a server that takes no prompt of this kind',
      {
        server: (app) =>
          plainServer(app, {
            authorize: ({ params }) =>
              params.has('prompt')
                ? { status: 400, text: 'Unsupported prompt' }
                : (plainServer(app).authorize?.({ params } as never) ?? {}),
          }),
        env: { OIDC_PROMPT: 'consent' },
        lines: [
          known,
          /^✗ sign-in request: the provider refuses what OIDC_PROMPT asks for \(status 400: Unsupported prompt\)\. Compare OIDC_PROMPT/,
        ],
        exit: 1,
      },
    ],
    [
      'a server that does not know a parameter of OIDC_AUTHORIZATION_PARAMETERS',
      {
        server: (app) =>
          plainServer(app, {
            authorize: ({ params }) =>
              params.has('organization')
                ? { status: 400, text: 'parameter organization is not allowed' }
                : (plainServer(app).authorize?.({ params } as never) ?? {}),
          }),
        env: { OIDC_AUTHORIZATION_PARAMETERS: 'organization=acme' },
        lines: [
          known,
          /^✗ sign-in request: the provider refuses what OIDC_AUTHORIZATION_PARAMETERS asks for \(status 400: parameter organization/,
        ],
        exit: 1,
      },
    ],
    [
      'Hydra: the redirect address is another, which its error page has in its address',
      {
        server: (app) =>
          plainServer(app, {
            authorize: ({ origin }) => ({
              location: `${origin}/oauth2/fallbacks/error?error=invalid_request&error_description=The+%27redirect_uri%27+parameter+does+not+match`,
            }),
          }),
        lines: [
          new RegExp(
            `^✗ redirect address: the provider refuses it \\(invalid_request: The 'redirect_uri' parameter does not match\\)\\. ${registerRedirect}`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'Amazon Cognito: the same by a word of its own',
      {
        server: (app) =>
          plainServer(app, {
            authorize: ({ origin }) => ({
              location: `${origin}/error?error=redirect_mismatch&client_id=web-app`,
            }),
          }),
        lines: [
          new RegExp(
            `^✗ redirect address: the provider refuses it \\(redirect_mismatch\\)\\. ${registerRedirect}`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'django-oauth-toolkit: it asks who it is before it looks at the address',
      {
        server: (app) =>
          plainServer(app, {
            authorize: ({ origin }) => ({ location: `${origin}/accounts/login/?next=%2Fo%2Ferror` }),
          }),
        lines: [/^! redirect address: could not be checked from outside/],
        exit: 0,
      },
    ],
    [
      'a server that does not know form_post',
      {
        server: (app) =>
          plainServer(app, {
            authorize: ({ params }) =>
              params.get('response_mode') === 'form_post'
                ? {
                    location: `${app.redirect}?error=invalid_request&error_description=Unknown+response_mode`,
                  }
                : { html: '<form>Log in</form>' },
          }),
        app: { redirect: 'https://127.0.0.1:9/auth/callback' },
        env: { OIDC_RESPONSE_MODE: 'form_post', BASE_URL: 'https://127.0.0.1:9' },
        lines: [
          /^✗ sign-in request: the provider refuses what OIDC_RESPONSE_MODE asks for \(invalid_request: Unknown response_mode\)/,
        ],
        exit: 1,
      },
    ],
    [
      'a server that answers by form_post',
      {
        server: (app) =>
          plainServer(app, {
            authorize: () => ({
              html: `<form method="post" action="${app.redirect}"><input type="hidden" name="error" value="unauthorized_client"/><input name="error_description" value="No code flow"/></form>`,
            }),
          }),
        lines: [
          /^✗ redirect address: is accepted, but the request is refused \(unauthorized_client: No code flow\)\. Allow this app/,
        ],
        exit: 1,
      },
    ],
  ])('%s', (_mistake, row) => expectRow(row));
});

describe('the client', () => {
  const basicRefused = 'the provider refuses web-app by client_secret_basic';

  test.each<[mistake: string, Row]>([
    [
      'Keycloak: the secret is another',
      {
        server: keycloak,
        app: { secret: 'another' },
        lines: [
          new RegExp(
            `^✗ client authentication: ${basicRefused} \\(unauthorized_client: Invalid client or Invalid client credentials\\)\\. The provider says unauthorized_client where others say invalid_client.* copy OIDC_CLIENT_SECRET again`,
          ),
          /^! sign-in request: was not tried: with PAR, this app must authenticate first\./,
        ],
        not: addressLine,
        exit: 1,
      },
    ],
    [
      'LemonLDAP: Basic is not decoded',
      {
        server: (app) =>
          plainServer(app, {
            token: async (asked) =>
              (await proves({ ...app, methods: ['post'] }, asked))
                ? { status: 400, json: { error: 'invalid_grant' } }
                : { status: 401, json: { error: 'invalid_client', error_description: 'Bad credentials' } },
          }),
        lines: [
          new RegExp(
            `^✗ client authentication: ${basicRefused} \\(invalid_client: Bad credentials\\), but accepts the same secret by client_secret_post\\. Set OIDC_CLIENT_AUTH=client_secret_post\\.$`,
          ),
        ],
        exit: 1,
      },
    ],
    [
      'one that takes the secret in the header only',
      {
        server: plainServer,
        app: { methods: ['basic'] },
        env: { OIDC_CLIENT_AUTH: 'client_secret_post' },
        lines: [
          /^✗ client authentication: .* by client_secret_post .*, but accepts the same secret by client_secret_basic\./,
        ],
        exit: 1,
      },
    ],
    [
      'Glewlwyd: 403 without a word',
      {
        server: glewlwyd,
        app: { secret: 'another' },
        lines: [
          new RegExp(`^✗ client authentication: ${basicRefused} \\(status 403\\)\\. Check OIDC_CLIENT_ID`),
          /^! sign-in request: was not tried/,
        ],
        exit: 1,
      },
    ],
    [
      'Glewlwyd: an unknown code is invalid_code, so the client is known',
      {
        server: glewlwyd,
        lines: [
          /^✓ client authentication: client_secret_basic is accepted: the provider knows web-app\.$/,
          /^! auth_time: this looks like Glewlwyd, whose auth_time is 0\. Without it rules with maxAgeSeconds let nobody through\./,
        ],
        exit: 0,
      },
    ],
    [
      'Dex: an unknown code is invalid_request, so the client is known',
      {
        server: (app) =>
          plainServer(app, {
            token: async (asked) =>
              (await proves(app, asked))
                ? {
                    status: 400,
                    json: {
                      error: 'invalid_request',
                      error_description: 'Invalid or expired code parameter.',
                    },
                  }
                : {
                    status: 401,
                    json: { error: 'invalid_client', error_description: 'Invalid client credentials.' },
                  },
          }),
        lines: [/^✓ client authentication: client_secret_basic is accepted/],
        exit: 0,
      },
    ],
    [
      'Keycloak: the client is public, so the secret is not checked',
      {
        server: keycloak,
        app: { confidential: false },
        lines: [
          /^✗ client authentication: the provider does not check the secret of web-app: it accepts a made-up one too\. Register this app as a confidential client/,
        ],
        exit: 1,
      },
    ],
    [
      'IdentityServer4: the client is public',
      {
        server: identityServer4,
        app: { confidential: false },
        lines: [/^✗ client authentication: the provider does not check the secret of web-app/],
        exit: 1,
      },
    ],
    [
      'better-auth: the code is looked at before the client, so the secret cannot be checked',
      {
        server: (app) =>
          plainServer(app, {
            token: () => ({
              status: 401,
              json: { error: 'invalid_grant', error_description: 'invalid code' },
            }),
          }),
        lines: [
          /^! client authentication: could not be checked: the provider checks the code before it checks who sends it, .*\(invalid_grant: invalid code\)\. Sign in once to see\.$/,
        ],
        exit: 0,
      },
    ],
    [
      'Microsoft Entra: the same',
      {
        server: (app) =>
          plainServer(app, {
            token: () => ({
              status: 400,
              json: { error: 'invalid_grant', error_description: 'AADSTS9002313: Invalid request.' },
            }),
          }),
        lines: [/^! client authentication: could not be checked: the provider checks the code before/],
        exit: 0,
      },
    ],
    [
      'one that looks at the code first, and checks the secret of a pushed request',
      {
        server: (app) => ({
          ...keycloak(app),
          token: () => ({ status: 400, json: { error: 'invalid_grant' } }),
        }),
        lines: [/^✓ client authentication: client_secret_basic is accepted/],
        exit: 0,
      },
    ],
    [
      'one that answers any code with invalid_grant, whoever sends it',
      {
        server: (app) =>
          plainServer(app, { token: () => ({ status: 400, json: { error: 'invalid_grant' } }) }),
        lines: [/^✗ client authentication: the provider does not check the secret of web-app/],
        exit: 1,
      },
    ],
    [
      'one that hands out tokens for any code, which no line shows',
      {
        server: (app) =>
          plainServer(app, {
            token: () => ({
              json: { access_token: 'canary-access-token', token_type: 'x', title: 'canary-title' },
            }),
          }),
        lines: [
          /^! client authentication: could not be checked: the answer to a code that does not exist does not show it \(/,
        ],
        not: /canary-access/,
        exit: 0,
      },
    ],
    [
      'IdentityServer4: the code flow is not allowed',
      {
        server: identityServer4,
        app: { codeFlow: false },
        lines: [
          /^✗ client authentication: the provider knows web-app, but does not allow it the authorization code grant \(unauthorized_client\)\. Allow this app/,
        ],
        exit: 1,
      },
    ],
  ])('%s', (_mistake, row) => expectRow(row));
});

describe('the post-logout address', () => {
  test.each<[mistake: string, Row]>([
    [
      'Keycloak: it is registered',
      { server: keycloak, lines: [/^✓ post-logout address: the provider accepts/], exit: 0 },
    ],
    [
      'OpenIddict: it is registered',
      { server: openIddict, lines: [/^✓ post-logout address: the provider accepts/], exit: 0 },
    ],
    [
      'Keycloak: it is not registered',
      {
        server: keycloak,
        app: { postLogout: 'http://127.0.0.1:1/signed-out' },
        lines: [
          /^✗ post-logout address: the provider refuses it \(status 400: We are sorry\.\.\. Invalid redirect uri\)\. Register exactly this post-logout address: http:\/\/127\.0\.0\.1:\d+\/signed-out$/,
          /^✓ redirect address: /,
        ],
        exit: 1,
      },
    ],
    [
      'OpenIddict: it is not registered',
      {
        server: openIddict,
        app: { postLogout: 'http://127.0.0.1:1/signed-out' },
        lines: [
          /^✗ post-logout address: .*'post_logout_redirect_uri' is not valid\.\)\. Register/,
          /^✓ redirect address: /,
        ],
        exit: 1,
      },
    ],
    [
      'IdentityServer4: it cannot be checked',
      {
        server: identityServer4,
        lines: [
          /^! post-logout address: could not be checked from outside: the provider treats a registered address and any other alike \(IdentityServer does\)\. Register/,
        ],
        exit: 0,
      },
    ],
    [
      'one that refuses every sign-out without a hint: it cannot be checked',
      {
        server: plainServer,
        more: { endSession: () => ({ status: 400, text: 'id_token_hint is required' }) },
        lines: [
          /^! post-logout address: could not be checked from outside: .*\(status 400: id_token_hint is required\)\./,
        ],
        exit: 0,
      },
    ],
    [
      'one that asks before a sign-out, and refuses another address',
      {
        server: (app) =>
          plainServer(app, {
            endSession: ({ params }) =>
              params.get('post_logout_redirect_uri') === app.postLogout
                ? { html: '<form>Sign out?</form>' }
                : { status: 400, text: 'invalid_request' },
          }),
        lines: [/^✓ post-logout address: the provider accepts/],
        exit: 0,
      },
    ],
  ])('%s', (_mistake, row) => expectRow(row));
});

describe('a way to the provider that does not work is named with its setting', () => {
  const proxied = { OIDC_ISSUER: 'https://op.example.test' };
  const left: RegExp = /^! provider: its other checks were skipped/;

  test.each<[mistake: string, Row]>([
    [
      'nothing at the internal address',
      {
        server: keycloak,
        env: { OIDC_INTERNAL_URL: 'http://127.0.0.1:1' },
        lines: [
          /^✗ discovery: 127\.0\.0\.1:1 \(OIDC_INTERNAL_URL\) does not answer \(ECONNREFUSED\)\. Nothing is listening there: check OIDC_INTERNAL_URL, or start it\.$/,
          /^! internal address: requests for http:\/\/127\.0\.0\.1:\d+ go to http:\/\/127\.0\.0\.1:1 by plain http/,
          left,
        ],
        exit: 1,
      },
    ],
    [
      'an internal name that nobody knows',
      {
        server: keycloak,
        env: { OIDC_INTERNAL_URL: 'https://nobody-here.internal' },
        lines: [
          /^✗ discovery: nobody-here\.internal \(OIDC_INTERNAL_URL\) does not answer \((ENOTFOUND|EAI_AGAIN)\)\. This host name is not known here: check OIDC_INTERNAL_URL/,
          /^✓ internal address: /,
          left,
        ],
        exit: 1,
      },
    ],
    [
      'a public name that this server does not know',
      {
        server: keycloak,
        env: proxied,
        lines: [
          /^✗ discovery: op\.example\.test does not answer \((ENOTFOUND|EAI_AGAIN)\)\. .* If only users know it and this server reaches the provider elsewhere, set OIDC_INTERNAL_URL\.$/,
          left,
        ],
        exit: 1,
      },
    ],
    [
      'a proxy that is away',
      {
        server: keycloak,
        env: { ...proxied, HTTPS_PROXY: 'http://user:pr0xyw0rd@127.0.0.1:1' },
        lines: [
          /^✗ discovery: there is no way to op\.example\.test \(ECONNREFUSED\)\. The proxy of HTTPS_PROXY does not answer \(ECONNREFUSED\): check HTTPS_PROXY/,
          left,
        ],
        not: /pr0xyw0rd|127\.0\.0\.1:1\b(?!.*callback)/,
        exit: 1,
      },
    ],
    [
      'a network in NO_PROXY, which Node does not understand',
      {
        server: plainServer,
        env: { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: 'localhost, 10.0.0.0/8,10.0.0.1-10.0.0.9' },
        lines: [
          /^! NO_PROXY: Node does not understand 10\.0\.0\.0\/8, so these hosts are reached through the proxy\. Write a range as 10\.0\.0\.0-10\.255\.255\.255/,
          /^✓ discovery: .* answers without the proxy of HTTPS_PROXY, as plain http never goes through it\.$/,
        ],
        exit: 0,
      },
    ],
  ])('%s', (_mistake, row) => expectRow(row));
});
