import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createAccounts } from './accounts.ts';
import { type Asked, accessTokenType, apiAsked, tokenClaims, tokenExchange } from './api-tokens.ts';
import { type Account, accessTokenSeconds, createGrants, type Grant, type Registration } from './grants.ts';
import { createReach } from './reach.ts';

/** How the provider answers a browser: with a redirect, or with a form that posts itself. */
export type ProviderAnswer = { location: string } | { post: string; fields: [string, string][] };

export type MemoryProvider = Awaited<ReturnType<typeof startProvider>>;

/**
 * An OpenID provider in this process, as strict as a real one: apps that are registered, a redirect URI each, PKCE with S256, a code that
 * works once. It asks nobody anything: who is at the browser says so. What the app itself calls goes over HTTP.
 */
export async function startProvider() {
  signingKey ??= createKey();
  const { privateKey, jwk } = await signingKey;
  const grants = createGrants();
  /** The latest first. */
  const apps: Registration[] = [];
  /** How many apps use it. */
  let users = 1;

  const server = createServer((req, res) => {
    if (reach.isHanging()) return;
    answer(req, res).catch((error: Error) =>
      send(res, 500, { error: 'server_error', message: error.message }),
    );
  });
  const reach = createReach(server);
  const issuer = `http://127.0.0.1:${await reach.open()}`;

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname } = new URL(req.url ?? '/', issuer);
    if (pathname === '/.well-known/openid-configuration') return send(res, 200, metadata(issuer));
    if (pathname === '/jwks') return send(res, 200, { keys: [jwk] });
    if (pathname === '/userinfo') return userinfo(req, res);
    const form = new URLSearchParams(await bodyOf(req));
    if (pathname !== '/token' && pathname !== '/revoke') return send(res, 404, { error: 'not_found' });
    const app = apps.find((one) => isApp(req, form, one));
    if (!app) return send(res, 401, { error: 'invalid_client' });
    if (pathname === '/token') return token(form, app, res);
    grants.revoke(form.get('token') ?? '');
    send(res, 200, {});
  }

  function userinfo(req: IncomingMessage, res: ServerResponse): void {
    const grant = grants.byAccessToken(/^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? '');
    if (grant) send(res, 200, grant.account.claims);
    else {
      res.setHeader('WWW-Authenticate', 'Bearer error="invalid_token"');
      send(res, 401, { error: 'invalid_token' });
    }
  }

  async function token(form: URLSearchParams, app: Registration, res: ServerResponse): Promise<void> {
    if (form.get('grant_type') === tokenExchange) return exchange(form, app, res);
    const held = grants.heldBy(form);
    const asked = held && apiAsked(form, held, app);
    if (typeof asked === 'string') return send(res, 400, { error: asked });
    const grant = grants.redeem(form, app);
    if (!grant) return send(res, 400, { error: 'invalid_grant' });
    if (grant === 'disabled')
      return send(res, 400, { error: 'invalid_grant', error_description: 'user disabled' });
    const tokens = grants.tokensFor(grant, asked && (await apiToken(grant, app, asked)));
    const claims = { ...idTokenClaims(grant, tokens.access_token), iss: issuer, aud: app.clientId };
    const id_token = await new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
    send(res, 200, {
      ...tokens,
      token_type: 'Bearer',
      expires_in: accessTokenSeconds,
      scope: asked?.scope ?? grant.scope,
      id_token,
    });
  }

  /** RFC 8693: a token for one of the site's APIs, for the one of the sign-in. */
  async function exchange(form: URLSearchParams, app: Registration, res: ServerResponse): Promise<void> {
    const grant = grants.byAccessToken(form.get('subject_token') ?? '');
    const types = [form.get('subject_token_type'), form.get('requested_token_type') ?? accessTokenType];
    if (!grant || types.some((type) => type !== accessTokenType))
      return send(res, 400, { error: 'invalid_request' });
    const asked = apiAsked(form, grant, app);
    if (typeof asked !== 'object') return send(res, 400, { error: asked ?? 'invalid_target' });
    send(res, 200, {
      access_token: await apiToken(grant, app, asked),
      issued_token_type: accessTokenType,
      token_type: 'Bearer',
      expires_in: accessTokenSeconds,
      scope: asked.scope,
    });
  }

  /** Says whom it is for, so that an API of a test can check that. */
  function apiToken(grant: Grant, app: Registration, asked: Asked): Promise<string> {
    const claims = { ...tokenClaims(grant, asked), iss: issuer, client_id: app.clientId };
    return new SignJWT(claims).setProtectedHeader({ ...header, typ: 'at+jwt' }).sign(privateKey);
  }

  function authorize(parameters: URLSearchParams, account: Account | undefined): ProviderAnswer {
    const { redirectUri } = appThatAsks(parameters, apps);
    const answer = new URLSearchParams({ state: parameters.get('state') ?? '', iss: issuer });
    if (!account) answer.set('error', 'login_required');
    else if (account.disabled) answer.set('error', 'access_denied');
    else answer.set('code', grants.codeFor(account, parameters));
    if (parameters.get('response_mode') === 'form_post') return { post: redirectUri, fields: [...answer] };
    return { location: `${redirectUri}?${answer}` };
  }

  return {
    issuer,
    accounts: createAccounts(),
    reach,
    register(app: Registration): void {
      apps.unshift(app);
    },
    /** For one more app. It is there again where the others have left it. */
    async share(): Promise<void> {
      if (users++ === 0) await reach.comeBack();
    },
    /** A browser comes to an address of the provider: to sign in, or to sign out. */
    visit(url: URL, account: Account | undefined): ProviderAnswer & { signedOut?: boolean } {
      const { pathname, searchParams } = url;
      if (pathname === '/authorize') return authorize(searchParams, account);
      if (pathname !== '/end-session') return refuse(`there is nothing at ${pathname}`);
      const back = searchParams.get('post_logout_redirect_uri');
      if (!apps.some((app) => app.postLogoutRedirectUri === back))
        refuse('post_logout_redirect_uri is not the registered one');
      const state = searchParams.get('state');
      return { location: `${back}${state ? `?${new URLSearchParams({ state })}` : ''}`, signedOut: true };
    },
    /** One app leaves it. It closes after the last. */
    async stop(): Promise<void> {
      if (--users === 0) await reach.close();
    },
  };
}

const header = { alg: 'RS256', kid: 'test' };

/** One for all apps of a process: making it takes a moment. */
let signingKey: ReturnType<typeof createKey> | undefined;

async function createKey() {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), ...header, use: 'sig' } };
}

function metadata(issuer: string): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    end_session_endpoint: `${issuer}/end-session`,
    revocation_endpoint: `${issuer}/revoke`,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token', tokenExchange],
    subject_types_supported: ['public'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    authorization_response_iss_parameter_supported: true,
  };
}

/** The app of an authorization request, which is checked as OpenID Connect Core §3.1.2.2 and RFC 7636 §4.3 have it. */
function appThatAsks(parameters: URLSearchParams, apps: readonly Registration[]): Registration {
  const given = (name: string) => parameters.get(name) ?? '';
  if (parameters.has('request'))
    refuse('it is signed. Tests sign in without that: leave out OIDC_REQUEST_OBJECT');
  if (given('response_mode') === 'jwt')
    refuse('it asks for a signed answer. Tests sign in without that: leave out OIDC_RESPONSE_MODE=jwt');
  const clients = apps.filter(({ clientId }) => clientId === given('client_id'));
  if (clients.length === 0) refuse('client_id is not that of the app');
  const app = clients.find(({ redirectUri }) => redirectUri === given('redirect_uri'));
  if (!app) return refuse('redirect_uri is not the registered one');
  if (given('response_type') !== 'code') refuse('response_type must be "code"');
  if (given('code_challenge_method') !== 'S256' || given('code_challenge').length !== 43) {
    refuse('code_challenge must be there, with S256');
  }
  if (!given('state') || !given('nonce')) refuse('state and nonce must be there');
  return app;
}

function idTokenClaims({ account, nonce, acr }: Grant, accessToken: string): object {
  const now = Math.floor(Date.now() / 1000);
  const half = hash('sha256', accessToken, 'buffer').subarray(0, 16);
  return {
    ...{ sid: account.sid, ...account.claims, auth_time: account.authTime, ...(acr && { acr }) },
    ...{ iat: now, exp: now + 600, ...(nonce && { nonce }), at_hash: half.toString('base64url') },
  };
}

/** RFC 6749 §2.3.1: by Basic, where both parts are form-encoded, or in the body. */
function isApp({ headers }: IncomingMessage, form: URLSearchParams, app: Registration): boolean {
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const pair = basic === undefined ? [] : Buffer.from(basic, 'base64').toString().split(':');
  const [id, secret] = pair.map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  return (
    (id ?? form.get('client_id')) === app.clientId &&
    (secret ?? form.get('client_secret')) === app.clientSecret
  );
}

function refuse(why: string): never {
  throw new Error(`The provider of startTestApp refuses the request: ${why}.`);
}

function send(res: ServerResponse, status: number, value: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of req.setEncoding('utf8')) body += chunk;
  return body;
}
