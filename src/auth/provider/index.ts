import * as oidc from 'openid-client';
import type { Audit, Log } from '../../log.ts';
import type { TokenRecord } from '../../sessions/index.ts';
import { AuthError } from '../errors.ts';
import { ProviderConnection } from './connection.ts';
import { exportDpopKey, importDpopKey, makeDpopKey } from './dpop-key.ts';
import { toAuthError } from './failures.ts';
import { checkIdToken, type Demands } from './id-token-checks.ts';
import type { ProviderSettings } from './settings.ts';

export type { Demands } from './id-token-checks.ts';
export type { ProviderSettings } from './settings.ts';

// The provider, as the rest of the app sees it. Only this folder imports openid-client.

const revocationSeconds = 2;
const freshEnoughMs = 30_000;

/** What one sign-in asks of the provider beyond the settings. */
export interface AuthorizationRequest extends Demands {
  state: string;
  nonce: string;
  code_verifier: string;
  prompt?: string | undefined;
  login_hint?: string | undefined;
}

/** What the provider told us about a user who signed in. */
export interface SignInAnswer {
  /** The ID token's claims and userinfo's; where both speak, the signed ones count. */
  claims: Record<string, unknown> & { iss: string; sub: string };
  tokens: TokenRecord;
}

/** All that the app asks of the provider. Methods reject with an AuthError whose `cause` says what happened. */
export class Provider {
  readonly settings: ProviderSettings;
  readonly #connection: ProviderConnection;
  readonly #redirectUri: string;

  constructor(settings: ProviderSettings, context: { redirectUri: string; log: Log; audit: Audit }) {
    this.settings = settings;
    this.#redirectUri = context.redirectUri;
    this.#connection = new ProviderConnection(settings, context);
  }

  /** True once its metadata was loaded; a provider that is away later keeps signed-in users served (R21). */
  get loaded(): boolean {
    return this.#connection.discovered.current !== undefined;
  }

  /** Keys for tokens that the provider sends us unasked. */
  get keys() {
    return this.#connection.keys;
  }

  /** Loads the metadata if it is not at hand. */
  async load(): Promise<void> {
    await this.#connection.discovered.get();
  }

  close(): void {
    this.#connection.close();
  }

  /** Where our forms may lead: Chromium blocks the redirect after a form post to anywhere else (R16). */
  formActionOrigins(): string[] {
    const metadata = this.#connection.discovered.current;
    const endpoints = [
      this.settings.issuer,
      metadata?.authorization_endpoint,
      metadata?.end_session_endpoint,
    ];
    return [...new Set(endpoints.flatMap((endpoint) => (endpoint ? [new URL(endpoint).origin] : [])))];
  }

  /** The provider's host, to name it to a person. */
  get host(): string {
    return new URL(this.settings.issuer).host;
  }

  /**
   * Where to send the browser (OpenID Connect Core §3.1.2.1), with the parameters pushed first where the provider
   * offers that (RFC 9126). PKCE is always S256 (R1).
   */
  async authorizationUrl(request: AuthorizationRequest): Promise<URL> {
    const { settings } = this;
    const maxAge = request.maxAge ?? settings.maxAge;
    const parameters = withoutEmpty({
      redirect_uri: this.#redirectUri,
      scope: settings.scope,
      state: request.state,
      nonce: request.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(request.code_verifier),
      code_challenge_method: 'S256',
      response_mode: settings.responseMode === 'form_post' ? 'form_post' : undefined,
      prompt: request.prompt ?? settings.prompt,
      max_age: maxAge === undefined ? undefined : String(maxAge),
      acr_values: request.acr?.join(' ') ?? settings.acrValues,
      ui_locales: settings.uiLocales,
      audience: settings.audience,
      resource: settings.resource,
      login_hint: request.login_hint,
    });
    try {
      return await this.#connection.call(async (configuration) => {
        const pushed =
          settings.par !== 'off' && configuration.serverMetadata().pushed_authorization_request_endpoint;
        return pushed
          ? oidc.buildAuthorizationUrlWithPAR(configuration, parameters)
          : oidc.buildAuthorizationUrl(configuration, parameters);
      });
    } catch (error) {
      throw toAuthError(error, 'start');
    }
  }

  /**
   * Turns the provider's answer into a signed-in user: exchanges the code, checks state, nonce, iss, signature,
   * alg, aud, exp, azp, at_hash, and what was demanded; asks userinfo, whose sub must be the same.
   *
   * @param callback the callback's address, made from BASE_URL and the query as it came
   */
  async finish(
    callback: URL,
    request: Omit<AuthorizationRequest, 'prompt' | 'login_hint'>,
  ): Promise<SignInAnswer> {
    const demands = this.#demands(request);
    const dpopKey = this.settings.dpop ? await makeDpopKey() : undefined;
    const answer = await this.#exchange(callback, request, demands, dpopKey);
    const claims = { ...answer.claims() } as SignInAnswer['claims'];
    const { clientId, idTokenAlg, clockToleranceSeconds: tolerance } = this.settings;
    const now = Math.floor(Date.now() / 1000);
    checkIdToken(claims, {
      clientId,
      accessToken: answer.access_token,
      alg: idTokenAlg,
      tolerance,
      now,
      demands,
    });
    const userinfo = await this.#userinfo(answer.access_token, claims.sub, dpopKey);
    const tokens = toRecord(answer, undefined, dpopKey && (await exportDpopKey(dpopKey)));
    return { claims: { ...userinfo, ...claims }, tokens };
  }

  /**
   * Fresh tokens for old ones (RFC 6749 §6). Keeps the refresh token and the ID token when none comes.
   *
   * @throws AuthError `session_over` when the provider will not refresh any more, or answers for somebody else
   */
  async refresh(tokens: TokenRecord, owner: { iss: string; sub: string }): Promise<TokenRecord> {
    const { refresh_token = '', dpop_key } = tokens;
    try {
      const dpopKey = dpop_key && (await importDpopKey(dpop_key));
      const parameters = withoutEmpty({ resource: this.settings.resource });
      const answer = await this.#connection.call(
        (configuration, dpop) => oidc.refreshTokenGrant(configuration, refresh_token, parameters, dpop),
        dpopKey,
      );
      const claims = answer.claims();
      if (claims && (claims.iss !== owner.iss || claims.sub !== owner.sub)) {
        throw new AuthError('session_over', { mend: 'the new ID token belongs to somebody else' });
      }
      return { ...toRecord(answer, tokens, dpop_key), refreshed_at: Date.now() };
    } catch (error) {
      if ((error as { error?: string }).error === 'invalid_grant') {
        throw new AuthError('session_over', { cause: error, mend: 'invalid_grant' });
      }
      const failure = toAuthError(error, 'answer');
      if (/^(id_token_|nonce_)/.test(failure.reason))
        throw new AuthError('session_over', { cause: error, mend: failure.mend });
      throw failure.status === 503 || failure.reason === 'session_over'
        ? failure
        : new AuthError('provider_unreachable', { cause: error, mend: failure.mend });
    }
  }

  /** Revokes a refresh token (RFC 7009), within two seconds. False where the provider offers no way. */
  async revoke(refreshToken: string): Promise<boolean> {
    if (!this.#connection.discovered.current?.revocation_endpoint) return false;
    try {
      await this.#connection.call((configuration) => {
        configuration.timeout = revocationSeconds;
        return oidc.tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' });
      });
      return true;
    } catch (error) {
      throw toAuthError(error, 'start');
    }
  }

  /**
   * Where to end the provider's own session (RP-Initiated Logout 1.0); undefined when it offers no such place or
   * does not answer now, for a person must not be sent to an address that hangs.
   */
  async endSessionUrl(parameters: {
    id_token_hint?: string | undefined;
    state: string;
    post_logout_redirect_uri: string;
  }) {
    const metadata = this.#connection.discovered.current;
    if (!metadata?.end_session_endpoint || !(await this.#answers())) return undefined;
    const { id_token_hint, ...rest } = parameters;
    const url = await this.#connection.call(async (configuration) =>
      oidc.buildEndSessionUrl(configuration, withoutEmpty({ id_token_hint, ...rest })),
    );
    return url;
  }

  /** Calls an API with the user's token, DPoP-bound where it is (RFC 6750, RFC 9449). Follows no redirect; 5 s. */
  async fetchApi(
    tokens: TokenRecord,
    url: URL,
    init: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ) {
    const dpopKey = tokens.dpop_key && (await importDpopKey(tokens.dpop_key));
    try {
      return await this.#connection.call((configuration, dpop) => {
        if (url.protocol === 'http:') oidc.allowInsecureRequests(configuration); // API_URL is http on loopback only.
        const { method = 'GET', headers, body } = init;
        return oidc.fetchProtectedResource(
          configuration,
          tokens.access_token,
          url,
          method,
          body,
          new Headers(headers),
          dpop,
        );
      }, dpopKey);
    } catch (error) {
      // A 401 or 403 with a challenge is an answer; what to do with it is the caller's to say.
      const { response } = error as { response?: unknown };
      if (response instanceof Response) return response;
      throw new AuthError('api_unreachable', { cause: error });
    }
  }

  #demands(request: Demands): Demands {
    const acr = request.acr ?? this.settings.acrValues?.split(' ');
    return { maxAge: request.maxAge ?? this.settings.maxAge, acr };
  }

  async #exchange(
    callback: URL,
    request: { state: string; nonce: string; code_verifier: string },
    demands: Demands,
    dpopKey: oidc.CryptoKeyPair | undefined,
  ) {
    const { state: expectedState, nonce: expectedNonce, code_verifier: pkceCodeVerifier } = request;
    const checks = { expectedState, expectedNonce, pkceCodeVerifier, idTokenExpected: true };
    const { resource, clockToleranceSeconds: tolerance } = this.settings;
    try {
      return await this.#connection.call(
        (configuration, dpop) =>
          oidc.authorizationCodeGrant(
            configuration,
            callback,
            demands.maxAge === undefined ? checks : { ...checks, maxAge: demands.maxAge },
            withoutEmpty({ resource }),
            dpop,
          ),
        dpopKey,
      );
    } catch (error) {
      throw toAuthError(error, 'answer', { drift: this.#connection.health.clockDrift, tolerance });
    }
  }

  async #userinfo(
    accessToken: string,
    sub: string,
    dpopKey: oidc.CryptoKeyPair | undefined,
  ): Promise<Record<string, unknown>> {
    if (!this.settings.userinfo || !this.#connection.discovered.current?.userinfo_endpoint) return {};
    try {
      return await this.#connection.call(
        (configuration, dpop) => oidc.fetchUserInfo(configuration, accessToken, sub, dpop),
        dpopKey,
      );
    } catch (error) {
      throw toAuthError(error, 'userinfo');
    }
  }

  async #answers(): Promise<boolean> {
    if (this.#connection.health.sinceAnswer < freshEnoughMs) return true;
    const late = new Promise<false>((resolve) =>
      setTimeout(resolve, revocationSeconds * 1000, false).unref(),
    );
    return Promise.race([
      this.#connection.discovered.refresh().then(
        () => true,
        () => false,
      ),
      late,
    ]);
  }
}

function toRecord(
  answer: oidc.TokenEndpointResponse,
  old: TokenRecord | undefined,
  dpop_key: object | undefined,
): TokenRecord {
  return {
    access_token: answer.access_token,
    expires_at: answer.expires_in === undefined ? undefined : Date.now() + answer.expires_in * 1000,
    refresh_token: answer.refresh_token ?? old?.refresh_token,
    id_token: answer.id_token ?? old?.id_token,
    scope: answer.scope ?? old?.scope,
    dpop_key,
  };
}

function withoutEmpty(parameters: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
