import * as oidc from 'openid-client';
import type { AuthError } from '../errors/auth-error.ts';
import type { AccessToken, TokenRecord } from '../store/index.ts';
import type { ApiToken } from './apis.ts';
import type { ProviderConnection } from './connection.ts';
import { importDpopKey } from './dpop-key.ts';
import { said } from './hint-text.ts';
import { withoutEmpty } from './parameters.ts';
import { demandUsable, needsPerson, RefreshError, toRefreshError } from './refresh-failure.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * An access token for an API, for the user's own one (RFC 8693 §2). Whatever else comes with it is dropped, a refresh
 * token included: the session has one. Nothing that is answered ends the session.
 *
 * @throws AuthError `api_token_refused`; `sign_in_again` where the person is needed; `client_refused` and
 *   `provider_unreachable` as at a refresh
 */
export async function exchangeToken(
  connection: ProviderConnection,
  { access_token, dpop_key }: TokenRecord,
  { scope, resource, audience }: ApiToken,
): Promise<AccessToken> {
  const parameters = {
    subject_token: access_token,
    subject_token_type: accessTokenType,
    requested_token_type: accessTokenType,
    ...withoutEmpty({ scope, resource, audience }),
  };
  try {
    const answer = await connection.call(
      ({ configuration, dpop }) => oidc.genericGrantRequest(configuration, grantType, parameters, dpop),
      { dpopKey: dpop_key && (await importDpopKey(dpop_key)) },
    );
    demandAccessToken(answer);
    demandUsable(answer, dpop_key);
    connection.boundTokens.checkToken(answer.access_token);
    return {
      access_token: answer.access_token,
      expires_at: answer.expires_in === undefined ? undefined : Date.now() + answer.expires_in * 1000,
      obtained_at: Date.now(),
    };
  } catch (error) {
    throw meaningOf(error, connection);
  }
}

/** RFC 8693 §2.2.1: `N_A` says that what came is no access token. */
function demandAccessToken({ token_type, issued_token_type }: oidc.TokenEndpointResponse): void {
  if (issued_token_type !== accessTokenType) {
    const type = issued_token_type === undefined ? 'none' : said(issued_token_type);
    throw refusedFor(
      `the token exchange answered with the issued_token_type ${type}, not ${accessTokenType}`,
    );
  }
  if (token_type.toLowerCase() === 'n_a')
    throw refusedFor('the token exchange answered with the token_type N_A: what it gave is no access token');
}

function refusedFor(hint: string, cause?: unknown): RefreshError {
  return new RefreshError('api_token_refused', { cause, hint });
}

/**
 * Of a refresh's failures those that speak of its tokens mean another thing here, and so does another 400: servers
 * where token exchange is not switched on answer `invalid_request` (Keycloak) or `unsupported_grant_type`.
 */
function meaningOf(thrown: unknown, connection: ProviderConnection): AuthError {
  const error = toRefreshError(thrown, connection, true);
  const { reason, hint } = error;
  const ofPerson = reason === 'sign_in_again' && needsPerson(thrown);
  if (ofPerson || !/^(sign_in_again|session_over|invalid_grant)$/.test(reason)) return error;
  return refusedFor(`token exchange: ${hint ?? reason}`, thrown);
}
