import { hash } from 'node:crypto';
import * as oidc from 'openid-client';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { checkableAcr, type Demands } from './id-token-checks.ts';
import type { Metadata } from './metadata.ts';
import { withoutEmpty } from './parameters.ts';
import { offlineAccess } from './quirks.ts';
import type { ProviderSettings } from './settings.ts';

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
  const maxAge = maxAgeOf(request, settings);
  const parameters = withoutEmpty({
    redirect_uri,
    ...offlineAccess(settings.scope, metadata, settings.offlineAccess),
    state: request.state,
    nonce: request.nonce,
    code_challenge: hash('sha256', request.code_verifier, 'base64url'), // RFC 7636 §4.2
    code_challenge_method: 'S256',
    response_mode: settings.responseMode === 'form_post' ? 'form_post' : undefined,
    prompt: promptOf(request, settings, metadata),
    max_age: maxAge?.toString(),
    acr_values: acrOf(request, settings),
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

/** Seconds since the user proved who they are, at most. A rule makes that stricter than the settings, never laxer. */
export function maxAgeOf(request: Demands, settings: ProviderSettings): number | undefined {
  const given = [request.maxAge, settings.maxAge].filter((each) => each !== undefined);
  return given.length > 0 ? Math.min(...given) : undefined;
}

/**
 * Who must prove themselves again is asked to by prompt=login too: some providers ignore max_age (R18). Who wants to
 * choose an account is asked to sign in where there is no such choice. Whatever else a sign-in asks, consent stays.
 */
function promptOf(request: AuthorizationRequest, settings: ProviderSettings, metadata: Metadata) {
  const { prompt_values_supported: offered } = metadata;
  const noChoice = Array.isArray(offered) && !offered.includes('select_account');
  const prompt = request.prompt === 'select_account' && noChoice ? 'login' : request.prompt;
  const asked = [...(prompt?.split(' ') ?? []), ...(request.maxAge === undefined ? [] : ['login'])];
  const usual = settings.prompt?.split(' ') ?? [];
  const kept = asked.length > 0 ? usual.filter((word) => word === 'consent') : usual;
  return [...new Set([...asked, ...kept])].join(' ') || undefined;
}

/** A rule asks for its own, at the identity provider or tenant that the settings name all the same. */
function acrOf({ acr }: Demands, { acrValues }: ProviderSettings): string | undefined {
  if (!acr) return acrValues;
  const usual = acrValues?.split(' ') ?? [];
  const checked = checkableAcr(usual);
  return [...new Set([...acr, ...usual.filter((value) => !checked.includes(value))])].join(' ');
}
