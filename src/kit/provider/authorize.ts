import { hash } from 'node:crypto';
import * as oidc from 'openid-client';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { checkableAcr, type Demands } from './id-token-checks.ts';
import type { Metadata } from './metadata.ts';
import { leaveOutLongest, withoutEmpty } from './parameters.ts';
import { offlineAccess } from './quirks.ts';
import { lengthInRequestObject, signable, signedRequest } from './request-object.ts';
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
 * Where to send the browser (OpenID Connect Core §3.1.2.1), with the parameters pushed first where the provider
 * offers that (RFC 9126), and signed where the settings say so (RFC 9101). PKCE is always S256 (R1).
 *
 * @throws AuthError
 */
export async function authorizationUrl(
  connection: ProviderConnection,
  redirect_uri: string,
  request: AuthorizationRequest,
): Promise<URL> {
  const { settings } = connection;
  const { clockToleranceSeconds } = settings;
  const metadata = await connection.discovered.get();
  const maxAge = maxAgeOf(request, settings);
  const { scope, ...offline } = offlineAccess(
    askedScope(request, settings),
    metadata,
    settings.offlineAccess,
  );
  const resources = [settings.resource, ...(request.forApis?.resources ?? [])].filter(
    (each) => each !== undefined,
  );
  const asked = askedByLink(request, connection);
  const own = withoutEmpty({
    redirect_uri,
    scope,
    state: request.state,
    nonce: request.nonce,
    code_challenge: hash('sha256', request.code_verifier, 'base64url'), // RFC 7636 §4.2
    code_challenge_method: 'S256',
    response_mode: settings.responseMode === 'query' ? undefined : settings.responseMode,
    prompt: promptOf(request, settings, metadata),
    max_age: maxAge?.toString(),
    acr_values: acrOf(request, settings),
    audience: settings.audience,
  });
  // An operator's choice is not a link's to change; the language of the pages is its reader's.
  const parametersWith = (link: Record<string, string>) => {
    const parameters = {
      ...withoutEmpty({ ui_locales: settings.uiLocales }),
      ...offline,
      ...link,
      ...settings.authorizationParameters,
      ...own,
    };
    // One for each, the only parameter that may come more than once (RFC 8707 §2).
    const ofResources = [...new Set(resources)].map((resource) => ['resource', resource]);
    return new URLSearchParams([...Object.entries(parameters), ...ofResources]);
  };
  try {
    return await connection.call(async (configuration, _dpop, _metadata, key) => {
      const pushed = settings.par !== 'off' && metadata.pushed_authorization_request_endpoint !== undefined;
      const build = async (link: Record<string, string>) => {
        const parameters = parametersWith(link);
        const sent = settings.requestObject
          ? await signedRequest(configuration, parameters, { metadata, key, pushed, clockToleranceSeconds })
          : parameters;
        return pushed
          ? oidc.buildAuthorizationUrlWithPAR(configuration, sent)
          : oidc.buildAuthorizationUrl(configuration, sent);
      };
      const url = await build(asked);
      if (pushed || url.href.length <= longestAddress || Object.keys(asked).length === 0) return url;
      const room = longestAddress - (await build({})).href.length;
      return build(fitting(asked, room, connection));
    });
  } catch (error) {
    throw clientCallError(error, settings, 'start');
  }
}

/** The settings' scope, and what APIs need of it besides. */
export function askedScope({ forApis }: AuthorizationRequest, { scope }: ProviderSettings): string {
  const there = new Set(scope.split(' '));
  const added = wordsOf(forApis?.scope).filter((word) => !there.has(word));
  return [scope, ...new Set(added)].join(' ');
}

/** What a link asks for, but for the prompt, which is made of several (see `promptOf`). */
function askedByLink(request: AuthorizationRequest, { settings, log }: ProviderConnection) {
  const { prompt: _merged, ...asked } = request.parameters ?? {};
  if (!settings.requestObject) return asked;
  const { kept, left } = signable(asked);
  if (left.length > 0) {
    const hint =
      'a signed request holds `claims` as a JSON object, `authorization_details` as a JSON list, and none of iss, sub, aud, exp, nbf, iat and jti';
    log.warn(
      { parameters: left, hint },
      'parameters of a link were left out: a signed request cannot hold them',
    );
  }
  return kept;
}

/** Some servers and proxies on the way refuse an address of 2,000 characters or more. */
const longestAddress = 1_999;

/** What of a link has room in the address. The settings' own parameters are sent whatever their length. */
function fitting(
  asked: Record<string, string>,
  room: number,
  { settings, log }: ProviderConnection,
): Record<string, string> {
  const lengthOf = settings.requestObject
    ? lengthInRequestObject
    : (name: string, value: string) => `&${new URLSearchParams({ [name]: value })}`.length;
  const { kept, left } = leaveOutLongest(asked, room, lengthOf);
  const hint = 'shorten the link to /auth/login, or switch on pushed authorization requests (OIDC_PAR)';
  log.warn(
    { parameters: left, hint },
    'parameters of a link were left out: the address would have been too long',
  );
  return kept;
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
