import type { ProviderConfig } from '../config/index.ts';
import { offlineAccess } from '../provider/quirks.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, ok, said, warning } from './finding.ts';
import { listOf } from './metadata-lists.ts';

/** What this app asks for, against what the metadata lists. Lists may be incomplete, so no line here fails. */
export function checkAsked(metadata: Metadata, provider: ProviderConfig): Finding[] {
  return [
    checkScopes(metadata, provider),
    checkOfflineAccess(metadata, provider),
    checkAuthTime(metadata, provider),
    ...checkValues(metadata, provider),
  ];
}

function checkScopes({ scopes_supported }: Metadata, { scope }: ProviderConfig): Finding {
  const check = 'scopes';
  if (scopes_supported === undefined) return ok(check, 'the metadata names none, so any may be asked for.');
  const offered = listOf(scopes_supported);
  // offline_access has a line of its own.
  const missing = scope.split(' ').filter((name) => name !== 'offline_access' && !offered.includes(name));
  if (missing.length === 0) return ok(check, 'the metadata lists every scope of OIDC_SCOPE.');
  return warning(
    check,
    `the metadata does not list ${missing.join(', ')}.`,
    'Remove from OIDC_SCOPE what the provider does not know: many providers refuse every sign-in because of it (invalid_scope).',
  );
}

const refusers: [RegExp, string][] = [
  [/^https:\/\/accounts\.google\.com$/, 'Google'],
  [/^https:\/\/gitlab\./, 'GitLab'],
  [/^https:\/\/cognito-idp\./, 'Amazon Cognito'],
];

/** What a recheck cannot find out then. */
const closedAccount =
  'Without a refresh token, a user whose account is closed at the provider stays signed in until the session ends.';

/** Whether sign-ins ask for a refresh token, by whatever this provider asks it with. */
export function asksOffline(
  { scopes_supported }: Metadata,
  { scope, issuer, offlineAccess: when }: ProviderConfig,
): boolean {
  const listed = Array.isArray(scopes_supported) ? { scopes_supported } : {};
  const asked = offlineAccess(scope, { issuer, ...listed }, when);
  return asked.access_type !== undefined || asked.scope.split(' ').includes('offline_access');
}

/** Google, GitLab and Amazon Cognito answer a request for it with invalid_scope. */
function checkOfflineAccess(metadata: Metadata, provider: ProviderConfig): Finding {
  const { scope, issuer } = provider;
  const name = 'offline_access';
  const always = provider.offlineAccess === 'always';
  if (!always && !scope.split(' ').includes(name)) {
    const without = isKeycloak(metadata, provider)
      ? 'Keycloak gives a refresh token without it.'
      : `most providers then give no refresh token. ${closedAccount}`;
    return ok(name, `is not asked for: ${without}`);
  }
  const { scopes_supported } = metadata;
  const left = scopes_supported === undefined || always ? '' : ', so the app leaves it out';
  const takeOut = `Remove offline_access from OIDC_SCOPE${always ? ', and OIDC_OFFLINE_ACCESS=always from the settings' : ''}.`;
  const refuser = refusers.find(([pattern]) => pattern.test(issuer))?.[1];
  if (refuser) return warning(name, `${refuser} refuses this scope${left}.`, takeOut);
  const offered = listOf(scopes_supported).includes(name);
  if (isKeycloak(metadata, provider) && (offered || left === '')) {
    return warning(
      name,
      'Keycloak then keeps an offline session apart from the user\'s: single sign-on, single sign-out and the administrator\'s "log out all sessions" do not reach it.',
      `${takeOut} Keycloak gives a refresh token without it.`,
    );
  }
  if (offered) return ok(name, 'is offered.');
  if (always) {
    return warning(
      name,
      'the metadata does not list this scope, and OIDC_OFFLINE_ACCESS=always asks for it.',
      'Keep that only if the provider supports it without listing it (LemonLDAP does); others answer invalid_scope.',
    );
  }
  if (scopes_supported === undefined) {
    return warning(
      name,
      'the metadata names no scopes, so this one is asked for. Google, GitLab and Amazon Cognito refuse it.',
      'If sign-ins end in invalid_scope, remove it from OIDC_SCOPE.',
    );
  }
  return warning(
    name,
    `this scope is not offered, so the app leaves it out. ${closedAccount} OIDC_OFFLINE_ACCESS=always asks for it anyway, for a provider that supports it without listing it (LemonLDAP).`,
    takeOut,
  );
}

export function isKeycloak({ authorization_endpoint }: Metadata, { issuer }: ProviderConfig): boolean {
  return (
    /\/realms\/[^/]+\/?$/.test(issuer) || /\/protocol\/openid-connect\//.test(String(authorization_endpoint))
  );
}

const timeless: [RegExp, what: string][] = [
  [/^https:\/\/accounts\.google\.com$/, 'Google sends no auth_time'],
  // Its metadata lists the claim all the same.
  [
    /^https:\/\/(login\.microsoftonline\.(com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net|[\w-]+\.ciamlogin\.com)\//,
    'Microsoft Entra sends no auth_time unless it is added as an optional claim of the ID token',
  ],
];

/** Without a usable auth_time nobody can tell how fresh a sign-in is (OpenID Connect Core §2). */
function checkAuthTime(
  metadata: Metadata,
  { issuer, maxAge, stepUpWithoutAuthTime }: ProviderConfig,
): Finding {
  const check = 'auth_time';
  const endpoint = String(metadata.authorization_endpoint);
  const listed = listOf(metadata.claims_supported).includes(check);
  const what =
    timeless.find(([pattern]) => pattern.test(issuer))?.[1] ??
    (/\/api\/[^/]+\/auth$/.test(endpoint) ? 'this looks like Glewlwyd, whose auth_time is 0' : undefined) ??
    (metadata.claims_supported !== undefined && !listed
      ? 'the metadata does not list this claim (Dex, for one, never sends it)'
      : undefined);
  if (what === undefined) {
    return ok(check, listed ? 'is offered.' : 'the metadata names no claims, so it may be there.');
  }
  const rules = stepUpWithoutAuthTime
    ? 'rules with maxAgeSeconds accept any new sign-in (OIDC_STEP_UP_WITHOUT_AUTH_TIME)'
    : 'rules with maxAgeSeconds let nobody through';
  const lost = maxAge === undefined ? rules : `OIDC_MAX_AGE refuses every sign-in, and ${rules}`;
  const leave = maxAge === undefined ? '' : ' or remove OIDC_MAX_AGE';
  const instead = stepUpWithoutAuthTime
    ? `Have the provider send auth_time${leave}.`
    : `Have the provider send auth_time${leave}; OIDC_STEP_UP_WITHOUT_AUTH_TIME=true lets such rules accept any new sign-in.`;
  return warning(check, `${what}. Without it ${lost}.`, instead);
}

/** acr and prompt values that the metadata excludes. */
function* checkValues(metadata: Metadata, { acrValues, prompt }: ProviderConfig): Generator<Finding> {
  const asked = [
    ['acr', 'OIDC_ACR_VALUES', acrValues, metadata.acr_values_supported],
    ['prompt', 'OIDC_PROMPT', prompt, metadata.prompt_values_supported],
  ] as const;
  for (const [check, setting, value, supported] of asked) {
    if (value === undefined || supported === undefined) continue;
    const offered = listOf(supported);
    // IdentityServer's way to name an external provider or a tenant: they are no levels.
    const missing = value
      .split(' ')
      .filter((each) => !/^(idp|tenant):/.test(each) && !offered.includes(each));
    yield missing.length === 0
      ? ok(check, `the metadata lists every value of ${setting}.`)
      : warning(
          check,
          `the metadata does not list ${missing.join(', ')} of ${setting}; it lists ${said(offered.join(', '))}.`,
          `Set ${setting} to what the provider offers.`,
        );
  }
}
