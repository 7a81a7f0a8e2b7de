import { hash } from 'node:crypto';
import * as oidc from 'openid-client';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import type { Demands } from './id-token-checks.ts';
import { withoutEmpty } from './parameters.ts';
import { offlineAccess } from './quirks.ts';

/** What one sign-in asks of the provider beyond the settings. */
export interface AuthorizationRequest extends Demands {
  state: string;
  nonce: string;
  code_verifier: string;
  prompt?: string | undefined;
  login_hint?: string | undefined;
}

/**
 * Where to send the browser (OpenID Connect Core §3.1.2.1), with the parameters pushed first where the provider
 * offers that (RFC 9126). PKCE is always S256 (R1).
 *
 * @throws AuthError
 */
export async function authorizationUrl(
  connection: ProviderConnection,
  redirect_uri: string,
  request: AuthorizationRequest,
): Promise<URL> {
  const { settings } = connection;
  const metadata = await connection.discovered.get();
  const maxAge = request.maxAge ?? settings.maxAge;
  const parameters = withoutEmpty({
    redirect_uri,
    ...offlineAccess(settings.scope, metadata),
    state: request.state,
    nonce: request.nonce,
    code_challenge: hash('sha256', request.code_verifier, 'base64url'), // RFC 7636 §4.2
    code_challenge_method: 'S256',
    response_mode: settings.responseMode === 'form_post' ? 'form_post' : undefined,
    prompt: request.prompt ?? settings.prompt,
    max_age: maxAge?.toString(),
    acr_values: request.acr?.join(' ') ?? settings.acrValues,
    ui_locales: settings.uiLocales,
    audience: settings.audience,
    resource: settings.resource,
    login_hint: request.login_hint,
  });
  try {
    return await connection.call(async (configuration) =>
      settings.par !== 'off' && metadata.pushed_authorization_request_endpoint
        ? oidc.buildAuthorizationUrlWithPAR(configuration, parameters)
        : oidc.buildAuthorizationUrl(configuration, parameters),
    );
  } catch (error) {
    throw clientCallError(error, settings, 'start');
  }
}
