import type { TokenRecord } from '../../sessions/index.ts';
import { namesOf } from './algorithms.ts';
import { type ApiRequest, fetchApi } from './api.ts';
import { type AuthorizationRequest, authorizationUrl } from './authorize.ts';
import { ProviderConnection } from './connection.ts';
import { endSessionUrl, revokeToken } from './leave.ts';
import { refreshTokens } from './refresh.ts';
import type { ConnectionContext, ProviderSettings } from './settings.ts';
import { finishSignIn } from './sign-in.ts';

export { authTimeOf } from './auth-time.ts';
export type { ProviderCall } from './fetch.ts';
export { checkableAcr, type Demands } from './id-token-checks.ts';
export type { ProviderSettings } from './settings.ts';
export type { SignInAnswer } from './sign-in.ts';

// All that the app asks of the provider. Only this folder imports openid-client.

export type Provider = ReturnType<typeof createProvider>;

/** Connects lazily: a provider that is away does not stop the app (R21). Calls reject with an AuthError. */
export function createProvider(
  settings: ProviderSettings,
  context: ConnectionContext & { redirectUri: string },
) {
  const connection = new ProviderConnection(settings, context);
  const { discovered, keys } = connection;
  let targets: { of: object | undefined; origins: readonly string[] } | undefined;
  return {
    settings,
    /** Keys for tokens that the provider sends us unasked. */
    keys,
    /** What those may be signed with: the names of the one algorithm that is accepted (R2). */
    algorithms: namesOf(settings.idTokenAlg),
    /** The provider's host, to name it to a person. */
    host: new URL(settings.issuer).host,
    /** True once its metadata was loaded; a provider that is away later keeps signed-in users served. */
    loaded: () => discovered.current !== undefined,
    /** Loads the metadata if it is not at hand. */
    load: () => discovered.get(),
    close: () => connection.close(),
    /** Where our forms may lead: Chromium blocks the redirect after a form post to anywhere else (R16). */
    formActionOrigins() {
      const of = discovered.current;
      // Asked at every request, made anew only when the metadata is.
      if (!targets || targets.of !== of) {
        targets = {
          of,
          origins: originsOf(settings.issuer, of?.authorization_endpoint, of?.end_session_endpoint),
        };
      }
      return targets.origins;
    },
    authorizationUrl: (request: AuthorizationRequest) =>
      authorizationUrl(connection, context.redirectUri, request),
    finishSignIn: (callback: URL, request: AuthorizationRequest) =>
      finishSignIn(connection, callback, request),
    refresh: (old: TokenRecord, owner: { iss: string; sub: string }) => refreshTokens(connection, old, owner),
    revoke: (refreshToken: string) => revokeToken(connection, refreshToken),
    endSessionUrl: (parameters: Parameters<typeof endSessionUrl>[1]) => endSessionUrl(connection, parameters),
    fetchApi: (tokens: TokenRecord, url: URL, init?: ApiRequest) => fetchApi(connection, tokens, url, init),
  };
}

function originsOf(...addresses: (string | undefined)[]): readonly string[] {
  return [...new Set(addresses.flatMap((address) => (address ? [new URL(address).origin] : [])))];
}
