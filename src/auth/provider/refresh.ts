import * as oidc from 'openid-client';
import type { TokenRecord } from '../../sessions/index.ts';
import type { ProviderConnection } from './connection.ts';
import { demandBoundToken, importDpopKey } from './dpop-key.ts';
import { checkIdToken, checkSameAudience } from './id-token-checks.ts';
import { withoutEmpty } from './parameters.ts';
import { foreignTokens, toRefreshError } from './refresh-failure.ts';

/**
 * Fresh tokens for old ones (RFC 6749 §6). Keeps the refresh token and the ID token when none comes.
 *
 * @throws RefreshError which says what follows: `invalid_grant` and `session_over` end the session, `sign_in_again`
 *   needs the person, `client_refused` and `provider_unreachable` end nothing
 */
export async function refreshTokens(
  connection: ProviderConnection,
  old: TokenRecord,
  owner: { iss: string; sub: string },
): Promise<TokenRecord> {
  const { refresh_token = '', dpop_key } = old;
  const { resource } = connection.settings;
  try {
    const answer = await connection.call(
      (configuration, dpop) =>
        oidc.refreshTokenGrant(configuration, refresh_token, withoutEmpty({ resource }), dpop),
      { dpopKey: dpop_key && (await importDpopKey(dpop_key)) },
    );
    demandBoundToken(answer, dpop_key);
    const claims = answer.claims();
    if (claims) {
      checkIdToken({ ...claims }, connection.settings, { accessToken: answer.access_token });
      if (claims.iss !== owner.iss || claims.sub !== owner.sub) throw foreignTokens();
      checkSameAudience(claims.aud, old.id_token);
    }
    return { ...toRecord(answer, old, dpop_key), refreshed_at: Date.now() };
  } catch (error) {
    throw await toRefreshError(error, connection.clock());
  }
}

/** The token record of an answer; what it leaves out stays as it was. */
export function toRecord(
  answer: oidc.TokenEndpointResponse,
  old: TokenRecord | undefined,
  dpop_key: object | undefined,
): TokenRecord {
  return {
    access_token: answer.access_token,
    expires_at: answer.expires_in === undefined ? undefined : Date.now() + answer.expires_in * 1000,
    obtained_at: Date.now(),
    refresh_token: answer.refresh_token ?? old?.refresh_token,
    id_token: answer.id_token ?? old?.id_token,
    scope: answer.scope ?? old?.scope,
    dpop_key,
  };
}
