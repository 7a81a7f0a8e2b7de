import * as oidc from 'openid-client';
import type { TokenRecord } from '../store/index.ts';
import { authTimeOf } from './auth-time.ts';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { demandBoundToken, exportDpopKey, makeDpopKey } from './dpop-key.ts';
import { withoutEcho } from './echoes.ts';
import { checkIdToken } from './id-token-checks.ts';
import { openResponse } from './jarm.ts';
import { withoutEmpty } from './parameters.ts';
import { offlineAccess } from './quirks.ts';
import { toRecord } from './refresh.ts';
import type { ProviderSettings } from './settings.ts';
import { type AuthorizationRequest, askedScope, maxAgeOf } from './sign-in-parameters.ts';
import { fetchUserinfo } from './userinfo.ts';

/** What the provider said about a user who signed in. */
export interface SignInAnswer {
  /** The ID token's claims and userinfo's; where both speak, the signed ones count. */
  claims: Record<string, unknown> & { iss: string; sub: string };
  /** The names of those that only userinfo gave. */
  fromUserinfo: readonly string[];
  tokens: TokenRecord;
  /** A fresh sign-in was asked for, and the answer does not say when the user proved who they are. */
  withoutAuthTime?: boolean;
}

/**
 * Turns the provider's answer into a signed-in user: exchanges the code, checks state, nonce, iss, signature, alg,
 * aud, exp, azp, at_hash and what was demanded, and asks userinfo, whose sub must be the same. An answer that is a JWT is
 * verified before all that.
 *
 * @param callback the callback's address, made from BASE_URL and the query as it came
 * @throws AuthError
 */
export async function redeemCode(
  connection: ProviderConnection,
  callback: URL,
  request: AuthorizationRequest,
): Promise<SignInAnswer> {
  const { settings } = connection;
  const dpopKey = settings.dpop ? await makeDpopKey() : undefined;
  let verified: SignInAnswer['claims'] | undefined;
  try {
    const answered = withoutSecrets(await opened(callback, connection), request);
    return await connection.call(
      async ({ configuration, dpop, metadata }) => {
        const answer = await oidc.authorizationCodeGrant(
          configuration,
          answered,
          {
            expectedState: request.state,
            expectedNonce: request.nonce,
            pkceCodeVerifier: request.code_verifier,
          },
          withoutEmpty({ resource: settings.resource }),
          dpop,
        );
        demandBoundToken(answer, dpopKey);
        connection.boundTokens.checkToken(answer.access_token);
        const claims = checkedClaims(answer, request, settings);
        verified = claims;
        const asks = settings.userinfo && metadata.userinfo_endpoint;
        const userinfo = asks
          ? await fetchUserinfo(configuration, answer.access_token, claims.sub, dpop)
          : {};
        const { scope } = offlineAccess(askedScope(request, settings), metadata, settings.offlineAccess);
        const dpop_key = dpopKey && (await exportDpopKey(dpopKey));
        return {
          claims: { ...userinfo, ...claims },
          fromUserinfo: Object.keys(userinfo).filter((name) => !Object.hasOwn(claims, name)),
          tokens: toRecord(answer, undefined, { scope, dpop_key }),
          withoutAuthTime: request.maxAge !== undefined && claims.auth_time === undefined,
        };
      },
      { dpopKey },
    );
  } catch (error) {
    const failure = clientCallError(error, settings, 'answer', connection.clock());
    // Whatever userinfo says of somebody else: the ID token is what says who signed in.
    if (verified) failure.about ??= { iss: verified.iss, sub: verified.sub };
    throw failure;
  }
}

/** The ID token's claims, checked against what was asked for. An auth_time that cannot be read is left out. */
function checkedClaims(
  answer: Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>,
  request: AuthorizationRequest,
  settings: ProviderSettings,
): SignInAnswer['claims'] {
  const claims = { ...answer.claims() } as SignInAnswer['claims'];
  checkIdToken(claims, settings, {
    accessToken: answer.access_token,
    acr: request.acr ?? settings.acrValues?.split(' '),
    maxAge: maxAgeOf(request, settings),
    authTimeNeeded: settings.maxAge !== undefined,
  });
  if (authTimeOf(claims) === undefined) delete claims.auth_time;
  return claims;
}

/** Some providers quote the request that they refuse, and their words are logged (R20). */
function withoutSecrets(callback: URL, { state, nonce }: AuthorizationRequest): URL {
  const url = new URL(callback);
  const description = url.searchParams.get('error_description');
  if (description !== null) {
    url.searchParams.set('error_description', withoutEcho(description, [state, nonce]));
  }
  return url;
}

/** With OIDC_RESPONSE_MODE=jwt, the same address with the parameters in the answer's JWT, and no others. */
async function opened(callback: URL, connection: ProviderConnection): Promise<URL> {
  if (connection.settings.responseMode !== 'jwt') return callback;
  const url = new URL(callback);
  url.search = String(await openResponse(connection, callback.searchParams.get('response') ?? ''));
  return url;
}
