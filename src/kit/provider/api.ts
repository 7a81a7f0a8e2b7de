import * as oidc from 'openid-client';
import { AuthError } from '../errors/auth-error.ts';
import type { TokenRecord } from '../store/index.ts';
import { type Challenge, challengeIn } from './api-challenge.ts';
import { apiFailureHint } from './api-hints.ts';
import type { ProviderConnection } from './connection.ts';
import { importDpopKey } from './dpop-key.ts';
import { causes } from './failures.ts';

export interface ApiRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** The access token of a call, and the key that it is bound to. */
export type CallTokens = Pick<TokenRecord, 'access_token' | 'dpop_key'>;

export interface ApiAnswer {
  response: Response;
  /** What the API says about the access token, where it refuses the call for that. */
  challenge?: Challenge | undefined;
}

/** How the library is to send a request: it hands over all that is in it, the access token included. */
export type ApiFetch = (...request: Parameters<oidc.CustomFetch>) => Promise<Response>;

/**
 * Calls an API with the user's token, bound to its key where it is (RFC 6750, RFC 9449). Follows no redirect; 5 s.
 *
 * @throws AuthError `api_unreachable`
 */
export function fetchApi(
  connection: ProviderConnection,
  tokens: CallTokens,
  url: URL,
  init?: ApiRequest,
): Promise<ApiAnswer> {
  return requestResource(connection, tokens, url, init, connection.apiFetch);
}

/**
 * Sends one request to an API, a protected resource. Nothing of the provider is needed for it, so it works while that is away.
 *
 * @param fetch sends it, a second time where the API asks for a nonce in the proof (RFC 9449 §9)
 * @throws AuthError `api_unreachable`
 */
export async function requestResource(
  connection: ProviderConnection,
  { access_token, dpop_key }: CallTokens,
  url: URL,
  { method = 'GET', headers, body }: ApiRequest = {},
  fetch: ApiFetch,
): Promise<ApiAnswer> {
  try {
    const { issuer, clientId } = connection.settings;
    const configuration = new oidc.Configuration({ issuer }, clientId, undefined, oidc.None());
    configuration.timeout = 0; // The fetch has its own limit.
    configuration[oidc.customFetch] = fetch;
    if (url.protocol === 'http:') oidc.allowInsecureRequests(configuration); // It is http on loopback only.
    const dpop = dpop_key && connection.proofs(configuration, await importDpopKey(dpop_key));
    return await oidc
      .fetchProtectedResource(
        configuration,
        access_token,
        url,
        method,
        body,
        new Headers(headers),
        dpop ? { DPoP: dpop } : {},
      )
      .then((response) => ({ response }), takeAnswer);
  } catch (error) {
    throw unreachable(error);
  }
}

/** What a call failed of, as an AuthError. The library puts errors of a fetch into errors of its own. */
export function unreachable(error: unknown): AuthError {
  const known = causes(error as Error).find((each) => each instanceof AuthError);
  if (known) return known;
  return new AuthError('api_unreachable', { cause: error, hint: apiFailureHint(error) });
}

/** A 401 or 403 with a challenge is an answer of the API's; what to do with it is the caller's to say. */
function takeAnswer(error: unknown): ApiAnswer {
  if (!(error instanceof oidc.WWWAuthenticateChallengeError)) throw error;
  const { response, cause } = error;
  return { response, challenge: challengeIn(response.status, cause) };
}
