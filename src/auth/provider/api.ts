import * as oidc from 'openid-client';
import type { TokenRecord } from '../../sessions/index.ts';
import { AuthError } from '../errors.ts';
import type { ProviderConnection } from './connection.ts';
import { importDpopKey } from './dpop-key.ts';

export interface ApiRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/**
 * Calls an API with the user's token, bound to its key where it is (RFC 6750, RFC 9449). Follows no redirect; 5 s.
 *
 * @throws AuthError `api_unreachable`
 */
export async function fetchApi(
  connection: ProviderConnection,
  tokens: TokenRecord,
  url: URL,
  { method = 'GET', headers, body }: ApiRequest = {},
): Promise<Response> {
  try {
    return await connection.call(
      (configuration, dpop) => {
        configuration[oidc.customFetch] = connection.apiFetch;
        if (url.protocol === 'http:') oidc.allowInsecureRequests(configuration); // API_URL is http on loopback only.
        const { access_token } = tokens;
        return oidc
          .fetchProtectedResource(configuration, access_token, url, method, body, new Headers(headers), dpop)
          .catch(takeAnswer);
      },
      { dpopKey: tokens.dpop_key && (await importDpopKey(tokens.dpop_key)), alone: true },
    );
  } catch (error) {
    throw new AuthError('api_unreachable', { cause: error });
  }
}

/** A 401 or 403 with a challenge is an answer of the API's; what to do with it is the caller's to say. */
function takeAnswer(error: unknown): Response {
  const { response } = error as { response?: unknown };
  if (response instanceof Response) return response;
  throw error;
}
