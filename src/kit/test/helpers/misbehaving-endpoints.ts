import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { inJwt } from './misbehaving-jwt-answer.ts';
import { publicJwk, publishedKeys, signingKey, signToken } from './misbehaving-keys.ts';
import type { Endpoint, ProviderState, Reply } from './misbehaving-state.ts';
import { newSecret, refresh, take, tokens } from './misbehaving-tokens.ts';

interface Request {
  params: URLSearchParams;
  headers: IncomingHttpHeaders;
}

type Handler = (request: Request, state: ProviderState) => Promise<Reply>;

/** What each endpoint answers. A text that is thrown is the OAuth error of an honest refusal. */
export const endpoints: Record<Endpoint, Handler> = {
  async discovery(_, state) {
    return { json: metadata(state), lie: (state.nextLies ?? state.lies).discovery };
  },

  async jwks(_, state) {
    const keys = state.oneKey ? [await signingKey(state.alg, state)] : await publishedKeys(state);
    const more = absolute({ ...state.profile.keys, ...state.lies.keys }, state.origin);
    const jwks = keys.map((key) => ({ ...publicJwk(key), ...(state.noKid && { kid: undefined }), ...more }));
    return { json: { keys: jwks }, lie: state.lies.jwks };
  },

  async par({ params, headers }, state) {
    authenticateClient(params, headers, state);
    const uri = newSecret('urn:ietf:params:oauth:request_uri', state);
    state.pushed.set(uri, params);
    return { status: 201, json: { request_uri: uri, expires_in: 60 }, lie: state.nextLies?.par };
  },

  async authorization({ params }, state) {
    state.lies = state.nextLies ?? {};
    state.nextLies = undefined;
    const request = state.pushed.get(params.get('request_uri') ?? '') ?? params;
    state.latest.authorization = request;
    requireHonestRequest(request, state);
    const code = newSecret('code', state);
    state.grants.set(code, { request, lies: state.lies });
    return { status: 303, headers: { location: await answerTo(request, code, state) } };
  },

  async token({ params, headers }, state) {
    authenticateClient(params, headers, state);
    if (params.get('grant_type') === 'refresh_token') return refresh(params, state);
    const grant = take(params.get('code'), state);
    const verifier = params.get('code_verifier') ?? '';
    state.secrets.push(verifier);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (grant.request.get('code_challenge') !== challenge) throw 'invalid_grant';
    if (grant.request.get('redirect_uri') !== params.get('redirect_uri')) throw 'invalid_grant';
    return tokens(grant, grant.lies, { nonce: grant.request.get('nonce') }, state);
  },

  async userinfo({ headers }, state) {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    const grant = state.grants.get(token);
    if (!grant) return { status: 401, json: { error: 'invalid_token' } };
    const claims = { sub: 'user-1', ...state.profile.userinfo };
    const lie = grant.lies.userinfo;
    if (!grant.lies.userinfoSigned) return { json: claims, lie };
    const signed = { iss: state.origin + state.profile.issuerPath, aud: state.clientId, ...claims };
    const { userinfoSigned: signing, header } = grant.lies;
    const body = await signToken(signed, { ...state, signing, header });
    return { headers: { 'content-type': 'application/jwt' }, body, lie };
  },

  async revocation({ params, headers }, state) {
    authenticateClient(params, headers, state);
    state.grants.delete(params.get('token') ?? '');
    return { lie: state.lies.revocation };
  },

  async end_session({ params }, state) {
    const needed = state.profile.endSessionNeeds;
    if (needed && !params.get(needed)) throw 'invalid_request';
    const back = new URL(params.get('post_logout_redirect_uri') ?? params.get('logout_uri') ?? state.origin);
    if (params.has('state')) back.searchParams.set('state', params.get('state') ?? '');
    return { status: 303, headers: { location: back.href } };
  },

  async api({ headers }, state) {
    const token = headers.authorization?.replace(/^(Bearer|DPoP) /, '') ?? '';
    if (!state.grants.has(token)) return { status: 401, json: { error: 'invalid_token' } };
    return { json: { message: 'hello' }, lie: state.apiLie?.(token) };
  },

  async elsewhere() {
    return { json: {} };
  },
};

function metadata({ origin, profile, par }: ProviderState): Record<string, unknown> {
  const honest = {
    issuer: origin + profile.issuerPath,
    authorization_endpoint: '/authorize',
    token_endpoint: '/token',
    userinfo_endpoint: '/userinfo',
    jwks_uri: '/jwks',
    revocation_endpoint: '/revoke',
    end_session_endpoint: '/logout',
    ...(par && { pushed_authorization_request_endpoint: '/par' }),
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    userinfo_signing_alg_values_supported: ['none', 'RS256', 'PS256', 'ES256', 'EdDSA'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    ...profile.metadata,
  };
  return absolute(honest, origin);
}

/** Paths made whole addresses of this provider. */
function absolute(members: Record<string, unknown>, origin: string): Record<string, unknown> {
  const entries = Object.entries(members);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, String(value).startsWith('/') ? origin + value : value]),
  );
}

/** RFC 6749 §2.3.1: by a header whose two parts are form-encoded, or in the body; never both. */
function authenticateClient(
  params: URLSearchParams,
  headers: IncomingHttpHeaders,
  state: ProviderState,
): void {
  const assertion = params.get('client_assertion');
  if (assertion && state.takesAssertion?.(assertion)) return;
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  let given = [params.get('client_id'), params.get('client_secret')];
  if (basic) {
    if (params.has('client_secret')) throw 'invalid_request';
    const parts = Buffer.from(basic, 'base64').toString().split(':');
    given = parts.map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  }
  if (given[0] !== state.clientId || given[1] !== state.clientSecret) throw 'invalid_client';
}

function requireHonestRequest(
  request: URLSearchParams,
  { clientId, appOrigin, profile, anyRedirect, callbackPath = '/auth/callback' }: ProviderState,
): void {
  const is = (name: string, value: string) => request.get(name) === value;
  if (!is('client_id', clientId) || !is('response_type', 'code')) throw 'unauthorized_client';
  const isOurs = anyRedirect && request.get('redirect_uri')?.startsWith(`${appOrigin}/`);
  if (!isOurs && !is('redirect_uri', appOrigin + callbackPath)) throw 'invalid_redirect_uri';
  if (!is('code_challenge_method', 'S256') || !request.get('state') || !request.get('nonce'))
    throw 'invalid_request';
  const asked = (request.get('scope') ?? '').split(' ');
  if (!asked.includes('openid') || !asked.every((scope) => profile.scopes?.includes(scope) ?? true)) {
    throw 'invalid_scope';
  }
}

/** The redirect back, in the response mode that was asked for. */
async function answerTo(request: URLSearchParams, code: string, state: ProviderState): Promise<string> {
  const { lies, profile, origin } = state;
  const back = new URL(request.get('redirect_uri') ?? '');
  const honest: Record<string, string> = { code, state: request.get('state') ?? '', ...profile.answer };
  if (honest.iss) honest.iss = origin + profile.issuerPath;
  const given = Object.entries({ ...honest, ...lies.answer }).map(
    ([name, value]) => [name, typeof value === 'function' ? value(honest[name] ?? '') : value] as const,
  );
  const sent = request.get('response_mode') === 'jwt' ? await inJwt(Object.fromEntries(given), state) : given;
  for (const [name, value] of sent)
    for (const each of [value ?? []].flat()) back.searchParams.append(name, each);
  return back.href;
}
