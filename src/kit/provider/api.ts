import * as oidc from 'openid-client';
import { AuthError } from '../errors/auth-error.ts';
import type { TokenRecord } from '../store/index.ts';
import type { ProviderConnection } from './connection.ts';
import { importDpopKey } from './dpop-key.ts';
import { said } from './hint-text.ts';

export interface ApiRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface ApiAnswer {
  response: Response;
  /** Set where the API takes this access token for invalid (RFC 6750 §3.1, RFC 9449 §7.1): what it said, for the log. */
  refused?: { error: string; error_description: string | undefined };
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
): Promise<ApiAnswer> {
  try {
    return await connection.call(
      (configuration, dpop) => {
        configuration[oidc.customFetch] = connection.apiFetch;
        if (url.protocol === 'http:') oidc.allowInsecureRequests(configuration); // API_URL is http on loopback only.
        const { access_token } = tokens;
        return oidc
          .fetchProtectedResource(configuration, access_token, url, method, body, new Headers(headers), dpop)
          .then((response) => ({ response }), takeAnswer);
      },
      { dpopKey: tokens.dpop_key && (await importDpopKey(tokens.dpop_key)), alone: true },
    );
  } catch (error) {
    throw new AuthError('api_unreachable', { cause: error });
  }
}

/** A 401 or 403 with a challenge is an answer of the API's; what to do with it is the caller's to say. */
function takeAnswer(error: unknown): ApiAnswer {
  const { response, cause } = error as { response?: unknown; cause?: unknown };
  if (!(response instanceof Response)) throw error;
  const challenges = Array.isArray(cause) ? (cause as oidc.WWWAuthenticateChallenge[]) : [];
  const told = challenges.find(
    ({ scheme, parameters }) => /^(bearer|dpop)$/.test(scheme) && parameters.error === 'invalid_token',
  );
  if (response.status !== 401 || !told) return { response };
  const { error_description: words } = told.parameters;
  const error_description = words === undefined ? undefined : said(words, 200);
  return { response, refused: { error: 'invalid_token', error_description } };
}
