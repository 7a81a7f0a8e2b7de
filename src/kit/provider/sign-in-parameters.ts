import { hash } from 'node:crypto';
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
  /** What a link or a button asks for, each name of which is none of the app's own. */
  parameters?: Readonly<Record<string, string>> | undefined;
  /** What APIs of the site need besides the settings' own. */
  forApis?: { scope: string; resources: readonly string[] } | undefined;
}

/**
 * The parameters of an authorization request (OpenID Connect Core §3.1.2.1), for whatever of a link is sent along. PKCE
 * is always S256 (R1).
 */
export function signInParameters(
  request: AuthorizationRequest,
  redirect_uri: string,
  { settings, metadata }: { settings: ProviderSettings; metadata: Metadata },
): (link: Readonly<Record<string, string>>) => URLSearchParams {
  const { scope, ...offline } = offlineAccess(
    askedScope(request, settings),
    metadata,
    settings.offlineAccess,
  );
  const own = withoutEmpty({
    redirect_uri,
    scope,
    state: request.state,
    nonce: request.nonce,
    code_challenge: hash('sha256', request.code_verifier, 'base64url'), // RFC 7636 §4.2
    code_challenge_method: 'S256',
    response_mode: settings.responseMode === 'query' ? undefined : settings.responseMode,
    prompt: promptOf(request, settings, metadata),
    max_age: maxAgeOf(request, settings)?.toString(),
    acr_values: acrOf(request, settings),
    audience: settings.audience,
  });
  const usual = withoutEmpty({ ui_locales: settings.uiLocales });
  // One for each, the only parameter that may come more than once (RFC 8707 §2).
  const resources = resourcesOf(request, settings).map((resource) => ['resource', resource]);
  // The order decides: a link can't change what an operator set, but its reader's language wins over OIDC_UI_LOCALES.
  return (link) => {
    const parameters = { ...usual, ...offline, ...link, ...settings.authorizationParameters, ...own };
    return new URLSearchParams([...Object.entries(parameters), ...resources]);
  };
}

/** The settings' scope, and what APIs need of it besides. */
export function askedScope({ forApis }: AuthorizationRequest, { scope }: ProviderSettings): string {
  const there = new Set(scope.split(' '));
  const added = wordsOf(forApis?.scope).filter((word) => !there.has(word));
  return [scope, ...new Set(added)].join(' ');
}

function resourcesOf({ forApis }: AuthorizationRequest, { resource }: ProviderSettings): string[] {
  const all = [resource, ...(forApis?.resources ?? [])].filter((each) => each !== undefined);
  return [...new Set(all)];
}

/** Seconds since the user proved who they are, at most. A rule makes that stricter than the settings, never laxer. */
export function maxAgeOf(request: Demands, settings: ProviderSettings): number | undefined {
  const given = [request.maxAge, settings.maxAge].filter((each) => each !== undefined);
  return given.length > 0 ? Math.min(...given) : undefined;
}

/**
 * Who must prove themselves again is asked to by prompt=login too: some providers ignore max_age (R18). Who wants to
 * choose an account is asked to sign in where there is no such choice, and who wants a new account where none are made
 * signs in as usual. Whatever else a sign-in asks, a login and consent that are always asked stay.
 */
function promptOf(request: AuthorizationRequest, settings: ProviderSettings, metadata: Metadata) {
  const { prompt_values_supported: offered } = metadata;
  const usual = wordsOf(settings.prompt ?? settings.authorizationParameters?.prompt);
  const lacks = (word: string) => Array.isArray(offered) && !offered.includes(word);
  // Where nobody can say whether the provider knows "create", it must not take the place of a login that is always asked.
  const mayCreate = Array.isArray(offered) ? !lacks('create') : !usual.includes('login');
  const wanted = wordsOf(request.parameters?.prompt).flatMap((word) => {
    if (word === 'select_account' && lacks(word)) return 'login';
    return word === 'create' && !mayCreate ? [] : word;
  });
  // Alone (Initiating User Registration 1.0 §4.1): whoever makes an account is asked for all the rest there.
  if (wanted.includes('create')) return 'create';
  const asked = [...wanted, ...(request.maxAge === undefined ? [] : ['login'])];
  const kept = asked.length > 0 ? usual.filter((word) => word === 'consent' || word === 'login') : usual;
  return [...new Set([...asked, ...kept])].join(' ') || undefined;
}

function wordsOf(prompt = ''): string[] {
  return prompt.split(' ').filter((word) => word !== '');
}

/** A rule asks for its own, at the identity provider or tenant that the settings name all the same. */
function acrOf({ acr }: Demands, { acrValues }: ProviderSettings): string | undefined {
  if (!acr) return acrValues;
  const usual = acrValues?.split(' ') ?? [];
  const checked = checkableAcr(usual);
  return [...new Set([...acr, ...usual.filter((value) => !checked.includes(value))])].join(' ');
}
