import { randomBytes } from 'node:crypto';
import { atHash, signToken } from './misbehaving-keys.ts';
import type { Lies } from './misbehaving-replies.ts';
import type { Grant, ProviderState, Reply } from './misbehaving-state.ts';

export async function refresh(params: URLSearchParams, state: ProviderState): Promise<Reply> {
  const token = params.get('refresh_token') ?? '';
  const grant = state.grants.get(token);
  if (!grant) throw 'invalid_grant';
  const keeps = state.profile.keepsRefreshToken;
  if (!keeps) state.grants.delete(token);
  const lies = state.nextRefreshLies;
  state.nextRefreshLies = {};
  const { json, lie } = await tokens(grant, lies, {}, state);
  return { json: { ...json, ...(keeps && { refresh_token: undefined }) }, lie };
}

/** The answer of the token endpoint. */
export async function tokens(grant: Grant, lies: Lies, more: object, state: ProviderState): Promise<Reply> {
  const { alg, profile } = state;
  const refreshToken = newSecret('refresh_token', state);
  const accessToken = newSecret('access_token', state);
  state.grants.set(accessToken, grant).set(refreshToken, grant);
  const now = Math.floor(Date.now() / 1000) + state.clockAhead;
  const times = { iat: now, exp: now + 300, auth_time: now };
  const acr = grant.request.get('acr_values')?.split(' ')[0];
  const honest = {
    sub: 'user-1',
    aud: state.clientId,
    ...times,
    acr,
    sid: 'sid-1',
    ...more,
    ...profile.idToken,
  };
  const azp = profile.idToken.azp && state.clientId;
  const claims: Record<string, unknown> = {
    ...honest,
    azp,
    at_hash: atHash(accessToken, alg),
    ...lies.idToken,
  };
  const iss = (state.origin + profile.issuerPath).replace('{tenantid}', String(claims.tid));
  const header = { ...(state.noKid && { kid: undefined }), ...lies.header };
  const id_token = await signToken({ iss, ...claims }, { ...state, signing: lies.sign ?? alg, header });
  const json = {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: 3600,
    refresh_token: refreshToken,
    scope: grant.request.get('scope'),
    id_token,
  };
  return { json, lie: lies.token };
}

/** The sign-in of this code, once. */
export function take(code: string | null, state: ProviderState): Grant {
  const grant = state.grants.get(code ?? '');
  state.grants.delete(code ?? '');
  if (!code || !grant) throw 'invalid_grant';
  return grant;
}

/** A code or a token, remembered so that a test can look for it where it must not be. */
export function newSecret(kind: string, state: ProviderState): string {
  const value = `${kind}-${randomBytes(16).toString('hex')}`;
  state.secrets.push(value);
  return value;
}
