import type { TokenRecord } from '../store/index.ts';
import { namesOf } from './algorithms.ts';
import { type ApiRequest, type CallTokens, fetchApi } from './api.ts';
import { streamApi } from './api-stream.ts';
import type { ApiToken } from './apis.ts';
import { authorizationUrl } from './authorize.ts';
import { ProviderConnection } from './connection.ts';
import { exchangeToken } from './exchange.ts';
import { issues } from './issuers.ts';
import { endSessionUrl, offersSignOut } from './leave.ts';
import { revocationEndsSession, sendsSidAlone } from './quirks.ts';
import { redeemCode } from './redeem-code.ts';
import { refreshTokens } from './refresh.ts';
import { LateRevocations, type RevocableTokens, revokeToken } from './revocation.ts';
import { namingSettings, withFullNames } from './setting-names.ts';
import type { ConnectionContext, ProviderSettings } from './settings.ts';
import type { AuthorizationRequest } from './sign-in-parameters.ts';
import type { StreamRequest } from './streaming.ts';
import { askUserinfo } from './userinfo.ts';

export { createAgents } from './agents.ts';
export type { ApiAnswer, ApiRequest, CallTokens } from './api.ts';
export { apiAddress, apiNamed, decodedBytes } from './api-address.ts';
export type { Challenge } from './api-challenge.ts';
export type { StreamedAnswer } from './api-stream.ts';
export type { Api, ApiProxy, Apis, ApiToken } from './apis.ts';
export { type PlatformToken, readPlatformToken } from './assertion-file.ts';
export { authTimeOf } from './auth-time.ts';
export { boundClaims } from './bounds.ts';
export { withoutEcho } from './echoes.ts';
export { isForLater, whatItSaid } from './failures.ts';
export type { ProviderCall } from './fetch.ts';
export { hintOfError } from './hints.ts';
export { checkableAcr, type Demands } from './id-token-checks.ts';
export { type Route, routeOf, withPublicAddresses } from './internal-address.ts';
export { isTunnel, ProxyFailure } from './proxy.ts';
export type { SignInAnswer } from './redeem-code.ts';
export { RefreshError } from './refresh-failure.ts';
export type { ProviderSettings } from './settings.ts';
export { unverifiedClaims } from './unverified.ts';

// All that the app asks of the provider. Only this folder imports openid-client.

export type Provider = ReturnType<typeof createProvider>;

/** Connects lazily: a provider that is away does not stop the app (R21). Calls reject with an AuthError. */
export function createProvider(
  settings: ProviderSettings,
  given: ConnectionContext & { redirectUri: string },
) {
  const context = withFullNames(settings, given);
  const connection = new ProviderConnection(settings, context);
  const { discovered, keys, decryption } = connection;
  const late = new LateRevocations((tokens) => revokeToken(connection, tokens), context.log);
  return {
    settings,
    name: settings.name,
    /** What people read instead of "sign-in service". */
    label: settings.label,
    /** Where its answers come to, and no other provider's (RFC 9700 §4.4). */
    callbackPath: new URL(given.redirectUri).pathname,
    /** A hint with the plain names of settings in it, with this provider's instead. */
    inFull: settings.inFull,
    /** Whether tokens and sessions with this `iss` are its own. */
    issues: (iss: string) => issues(settings, iss),
    /** Keys for tokens that the provider sends us unasked. */
    keys,
    /** Opens what of these is encrypted. */
    decryption,
    /** What those may be signed with: the names of the one algorithm that is accepted (R2). */
    algorithms: namesOf(settings.idTokenAlg),
    /** True once its metadata was loaded; a provider that is away later keeps signed-in users served. */
    loaded: () => discovered.current !== undefined,
    /** Whether its metadata lists this value of `prompt`; undefined while it says nothing. */
    offersPrompt(value: string): boolean | undefined {
      const offered = discovered.current?.prompt_values_supported;
      return Array.isArray(offered) ? offered.includes(value) : undefined;
    },
    /** What was to be revoked later is revoked first. */
    async close() {
      await late.carryOutAll();
      connection.close();
    },
    /** True where it has a place to end its own session at. Known once its metadata was loaded. */
    offersSignOut: () => offersSignOut(connection),
    /** True: revoke after the provider's own session was ended, by the two that follow. */
    revokesLate: revocationEndsSession(settings.issuer),
    revokeLater: (name: string, tokens: RevocableTokens) => late.add(name, tokens),
    carryOutRevocation: (name: string, sessionEnded: boolean) => late.carryOut(name, sessionEnded),
    /** Its front-channel logout names the session without the issuer. */
    sendsSidAlone: sendsSidAlone(settings.issuer),
    ...namingSettings(settings, {
      /** Loads the metadata if it is not at hand. */
      load: () => discovered.get(),
      authorizationUrl: (request: AuthorizationRequest) =>
        authorizationUrl(connection, context.redirectUri, request),
      redeemCode: (callback: URL, request: AuthorizationRequest) => redeemCode(connection, callback, request),
      refresh: (old: TokenRecord, owner: { iss: string; sub: string }, api?: ApiToken) =>
        refreshTokens(connection, old, owner, api),
      exchange: (subject: TokenRecord, api: ApiToken) => exchangeToken(connection, subject, api),
      userinfo: (tokens: TokenRecord, sub: string) => askUserinfo(connection, tokens, sub),
      revoke: (tokens: RevocableTokens, signal?: AbortSignal) => revokeToken(connection, tokens, signal),
      endSessionUrl: (parameters: Parameters<typeof endSessionUrl>[1]) =>
        endSessionUrl(connection, parameters),
      fetchApi: (tokens: CallTokens, url: URL, init?: ApiRequest) => fetchApi(connection, tokens, url, init),
      streamApi: (tokens: CallTokens, url: URL, request: StreamRequest) =>
        streamApi(connection, tokens, url, request),
    }),
  };
}
