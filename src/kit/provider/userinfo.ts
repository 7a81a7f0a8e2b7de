import * as oidc from 'openid-client';
import type { TokenRecord } from '../store/index.ts';
import { boundClaims } from './bounds.ts';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { importDpopKey } from './dpop-key.ts';
import { toAuthError } from './failures.ts';

/**
 * Of the sign-in, not of the user: only the ID token can say these, where they are signed and checked. Userinfo may
 * hold whatever an account holds, and rules go by these (R18).
 */
const ofTheSignIn: ReadonlySet<string> = new Set(['auth_time', 'acr', 'amr', 'sid', 'azp']);

/**
 * What userinfo says about the user now, with an access token of theirs (OpenID Connect Core §5.3). Undefined where it
 * is not to be asked, or there is none.
 *
 * @throws AuthError also where it speaks of another user than `sub`
 */
export async function askUserinfo(
  connection: ProviderConnection,
  { access_token, dpop_key }: TokenRecord,
  sub: string,
): Promise<Record<string, unknown> | undefined> {
  const { settings } = connection;
  if (!settings.userinfo) return undefined;
  try {
    return await connection.call(
      async ({ configuration, dpop, metadata }) =>
        metadata.userinfo_endpoint ? fetchUserinfo(configuration, access_token, sub, dpop) : undefined,
      { dpopKey: dpop_key && (await importDpopKey(dpop_key)) },
    );
  } catch (error) {
    throw clientCallError(error, settings, 'answer', connection.clock());
  }
}

/** Its claims, without those that only an ID token can make. */
export async function fetchUserinfo(
  configuration: oidc.Configuration,
  accessToken: string,
  sub: string,
  dpop: { DPoP?: oidc.DPoPHandle },
): Promise<Record<string, unknown>> {
  try {
    const answer = await oidc.fetchUserInfo(configuration, accessToken, sub, dpop);
    boundClaims(answer, 'userinfo');
    return Object.fromEntries(Object.entries(answer).filter(([name]) => !ofTheSignIn.has(name)));
  } catch (error) {
    throw toAuthError(error, 'userinfo');
  }
}
