import * as oidc from 'openid-client';
import type { TokenRecord } from '../../sessions/index.ts';
import { AuthError } from '../errors.ts';
import { clientCallError, isClientAuthenticationFailure } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { demandBoundToken, importDpopKey } from './dpop-key.ts';
import { refusal } from './failures.ts';
import { originalIdToken } from './fetch.ts';
import { checkIdToken } from './id-token-checks.ts';
import { withoutEmpty } from './parameters.ts';

/**
 * Fresh tokens for old ones (RFC 6749 §6). Keeps the refresh token and the ID token when none comes.
 *
 * @throws AuthError `invalid_grant` when the provider will not refresh any more, `session_over` when it answers for
 *   somebody else, `provider_unreachable` for everything else
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
      if (claims.iss !== owner.iss || claims.sub !== owner.sub) {
        throw new AuthError('session_over', { hint: 'the new ID token belongs to somebody else' });
      }
      checkIdToken({ ...claims }, connection.settings, { accessToken: answer.access_token });
    }
    return { ...toRecord(answer, old, dpop_key), refreshed_at: Date.now() };
  } catch (error) {
    throw refreshError(error, connection);
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
    refresh_token: answer.refresh_token ?? old?.refresh_token,
    id_token: originalIdToken(answer) ?? old?.id_token,
    scope: answer.scope ?? old?.scope,
    dpop_key,
  };
}

/** Only a clear word of the provider, or a proof that is not the user's, ends a session; a fault does not (R13). */
function refreshError(error: unknown, connection: ProviderConnection): AuthError {
  const { settings } = connection;
  const dead = refusal(error) === 'invalid_grant' && !isClientAuthenticationFailure(error, settings);
  if (dead) return new AuthError('invalid_grant', { cause: error });
  const failure = clientCallError(error, settings, 'answer', connection.clock());
  if (failure.reason === 'session_over' || failure.status === 503) return failure;
  const foreign = /^(id_token|nonce|tenant)_/.test(failure.reason);
  return new AuthError(foreign ? 'session_over' : 'provider_unreachable', {
    cause: error,
    hint: failure.hint,
  });
}
