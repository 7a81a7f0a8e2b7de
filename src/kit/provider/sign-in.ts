import * as oidc from 'openid-client';
import type { TokenRecord } from '../store/index.ts';
import { authTimeOf } from './auth-time.ts';
import { type AuthorizationRequest, askedScope, maxAgeOf } from './authorize.ts';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { demandBoundToken, exportDpopKey, makeDpopKey } from './dpop-key.ts';
import { withoutEcho } from './echoes.ts';
import { checkIdToken } from './id-token-checks.ts';
import { openResponse } from './jarm.ts';
import { withoutEmpty } from './parameters.ts';
import { offlineAccess } from './quirks.ts';
import { toRecord } from './refresh.ts';
import { fetchUserinfo } from './userinfo.ts';

/** What the provider told us about a user who signed in. */
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
 * aud, exp, azp, at_hash and what was demanded, and asks userinfo, whose sub must be the same. Of a JWT answer, only
 * what it holds counts.
 *
 * @param callback the callback's address, made from BASE_URL and the query as it came
 * @throws AuthError
 */
export async function finishSignIn(
  connection: ProviderConnection,
  callback: URL,
  request: AuthorizationRequest,
): Promise<SignInAnswer> {
  const { settings } = connection;
  const acr = request.acr ?? settings.acrValues?.split(' ');
  const maxAge = maxAgeOf(request, settings);
  const authTimeNeeded = settings.maxAge !== undefined;
  const checks = {
    expectedState: request.state,
    expectedNonce: request.nonce,
    pkceCodeVerifier: request.code_verifier,
  };
  const dpopKey = settings.dpop ? await makeDpopKey() : undefined;
  try {
    const answered = withoutSecrets(await opened(callback, connection), request);
    return await connection.call(
      async (configuration, dpop, metadata) => {
        const answer = await oidc.authorizationCodeGrant(
          configuration,
          answered,
          checks,
          withoutEmpty({ resource: settings.resource }),
          dpop,
        );
        demandBoundToken(answer, dpopKey);
        connection.boundTokens.look(answer.access_token);
        const claims = { ...answer.claims() } as SignInAnswer['claims'];
        const accessToken = answer.access_token;
        checkIdToken(claims, settings, { accessToken, acr, maxAge, authTimeNeeded });
        const timed = authTimeOf(claims) !== undefined;
        if (!timed) delete claims.auth_time;
        const ask = settings.userinfo && metadata.userinfo_endpoint;
        const userinfo = ask && (await fetchUserinfo(configuration, accessToken, claims.sub, dpop));
        const { scope } = offlineAccess(askedScope(request, settings), metadata, settings.offlineAccess);
        const dpop_key = dpopKey && (await exportDpopKey(dpopKey));
        const tokens = toRecord(answer, undefined, { scope, dpop_key });
        const withoutAuthTime = request.maxAge !== undefined && !timed;
        const fromUserinfo = Object.keys(userinfo || {}).filter((name) => !Object.hasOwn(claims, name));
        return { claims: { ...userinfo, ...claims }, fromUserinfo, tokens, withoutAuthTime };
      },
      { dpopKey },
    );
  } catch (error) {
    throw clientCallError(error, settings, 'answer', connection.clock());
  }
}

/** Some providers quote the request that they refuse, and what they say goes into the log (R20). */
function withoutSecrets(callback: URL, { state, nonce }: AuthorizationRequest): URL {
  const url = new URL(callback);
  const description = url.searchParams.get('error_description');
  if (description !== null) {
    url.searchParams.set('error_description', withoutEcho(description, [state, nonce]));
  }
  return url;
}

/** The same address with what the answer's JWT holds, and nothing else (JARM). */
async function opened(callback: URL, connection: ProviderConnection): Promise<URL> {
  if (connection.settings.responseMode !== 'jwt') return callback;
  const url = new URL(callback);
  url.search = String(await openResponse(connection, callback.searchParams.get('response') ?? ''));
  return url;
}
