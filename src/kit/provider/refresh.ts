import * as oidc from 'openid-client';
import type { TokenRecord } from '../store/index.ts';
import type { ApiToken } from './apis.ts';
import type { ProviderConnection } from './connection.ts';
import { demandBoundToken, importDpopKey } from './dpop-key.ts';
import { originalIdToken } from './fetch.ts';
import { checkIdToken, checkSameAudience } from './id-token-checks.ts';
import { withoutEmpty } from './parameters.ts';
import { demandUsable, foreignTokens, toRefreshError } from './refresh-failure.ts';

/**
 * Fresh tokens for old ones (RFC 6749 §6). Keeps the refresh token and the ID token when none comes.
 *
 * @param api an API that wants an access token of its own: the answer's is for it
 * @throws RefreshError which says what follows: `invalid_grant` and `session_over` end the session, `sign_in_again`
 *   needs the person, `client_refused` and `provider_unreachable` end nothing
 */
export async function refreshTokens(
  connection: ProviderConnection,
  old: TokenRecord,
  owner: { iss: string; sub: string },
  api?: ApiToken,
): Promise<TokenRecord> {
  const { refresh_token = '', dpop_key } = old;
  const { scope, audience, resource } = api ?? { resource: connection.settings.resource };
  try {
    const answer = await connection.call(
      ({ configuration, dpop }) =>
        oidc.refreshTokenGrant(
          configuration,
          refresh_token,
          withoutEmpty({ scope, resource, audience }),
          dpop,
        ),
      { dpopKey: dpop_key && (await importDpopKey(dpop_key)) },
    );
    if (!api) demandBoundToken(answer, dpop_key);
    connection.boundTokens.checkToken(answer.access_token);
    const claims = answer.claims();
    if (claims) {
      // First: whatever else is wrong with somebody else's tokens, they end the session.
      if (claims.iss !== owner.iss || (claims.sub && claims.sub !== owner.sub)) throw foreignTokens();
      checkIdToken({ ...claims }, connection.settings, { accessToken: answer.access_token });
      checkSameAudience(claims.aud, old.id_token);
    }
    if (api) demandUsable(answer, dpop_key);
    return { ...toRecord(answer, old, { dpop_key, scope: old.scope }), refreshed_at: Date.now() };
  } catch (error) {
    throw toRefreshError(error, connection, api !== undefined);
  }
}

/**
 * The token record of an answer; what it leaves out stays as it was.
 *
 * @param asked.scope what the request asked for: an answer that names no scope grants it (RFC 6749 §5.1, §6)
 */
export function toRecord(
  answer: oidc.TokenEndpointResponse,
  old: TokenRecord | undefined,
  asked: { scope: string | undefined; dpop_key: object | undefined },
): TokenRecord {
  return {
    access_token: answer.access_token,
    expires_at: answer.expires_in === undefined ? undefined : Date.now() + answer.expires_in * 1000,
    obtained_at: Date.now(),
    refresh_token: answer.refresh_token ?? old?.refresh_token,
    id_token: originalIdToken(answer) ?? old?.id_token,
    scope: answer.scope ?? asked.scope,
    dpop_key: asked.dpop_key,
  };
}
