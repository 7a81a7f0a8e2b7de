import type { JSONWebKeySet } from 'jose';
import type { Metadata } from './metadata.ts';
import { unverifiedClaims } from './unverified.ts';

// Where well-known providers differ. Each is recognised by what it says of itself, and named with its source.

/**
 * The scope to ask for. Providers that know no scope `offline_access` refuse the whole request for it, so it is asked
 * for only where it is offered, or where nothing is said of scopes. Google gives refresh tokens for a parameter
 * instead (https://developers.google.com/identity/protocols/oauth2/web-server#offline).
 *
 * @param when `always`: whatever is offered, for LemonLDAP::NG knows the scope and does not list it
 */
export function offlineAccess(
  scope: string,
  { issuer, scopes_supported }: Pick<Metadata, 'issuer' | 'scopes_supported'>,
  when: 'auto' | 'always' = 'auto',
): { scope: string; access_type?: 'offline' } {
  const others = scope.split(' ').filter((name) => name !== 'offline_access');
  const wanted = when === 'always' || others.length < scope.split(' ').length;
  if (!wanted) return { scope };
  if (!Array.isArray(scopes_supported) || scopes_supported.includes('offline_access')) {
    return { scope: withOfflineAccess(scope) };
  }
  if (issuer === 'https://accounts.google.com') return { scope: others.join(' '), access_type: 'offline' };
  return { scope: when === 'always' ? withOfflineAccess(scope) : others.join(' ') };
}

function withOfflineAccess(scope: string): string {
  return scope.split(' ').includes('offline_access') ? scope : `${scope} offline_access`;
}

/**
 * Amazon Cognito's logout is not OpenID Connect's: it takes a client_id and a logout_uri and gives back no state
 * (https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html). Discovery names it only since
 * 2024; before, it stood beside the authorization endpoint. Undefined: the provider is not Cognito.
 */
export function cognitoLogoutUrl(
  { issuer, authorization_endpoint, end_session_endpoint }: Metadata,
  client_id: string,
  logout_uri: string,
): URL | undefined {
  if (!isCognito(issuer)) return undefined;
  const url = new URL(end_session_endpoint ?? '/logout', authorization_endpoint);
  url.search = new URLSearchParams({ client_id, logout_uri }).toString();
  return url;
}

/** Its issuers are `https://cognito-idp.<region>.amazonaws.com/<user pool>`. */
function isCognito(issuer: string): boolean {
  return new URL(issuer).hostname.startsWith('cognito-idp.');
}

/**
 * The keys that may sign for this issuer. Microsoft Entra publishes the keys of several issuers together and writes
 * to each whose it is, `{tenantid}` standing for any tenant
 * (https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer).
 */
export function keysOfIssuer({ keys }: JSONWebKeySet, issuer: string): JSONWebKeySet {
  return { keys: keys.filter((key) => signsFor(issuer, (key as { issuer?: unknown }).issuer)) };
}

function signsFor(issuer: string, owner: unknown): boolean {
  if (typeof owner !== 'string' || !/^https?:/.test(owner)) return true;
  const [start = '', ...ends] = owner.split('{tenantid}');
  const [end] = ends;
  if (end === undefined) return issuer === owner;
  if (!issuer.startsWith(start) || !issuer.endsWith(end)) return false;
  const tenant = issuer.slice(start.length, issuer.length - end.length);
  return /^[\w-]+$/.test(tenant);
}

/**
 * Microsoft Entra calls a front-channel logout address with `sid` and no `iss`
 * (https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#single-sign-out). Its clouds' hosts:
 * https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud.
 */
export function sendsSidAlone(issuer: string): boolean {
  return entraHosts.has(new URL(issuer).hostname);
}

/**
 * Microsoft Entra takes a client assertion whose audience is its token endpoint, and documents no other
 * (https://learn.microsoft.com/entra/identity-platform/certificate-credentials).
 */
export function wantsTokenEndpointAudience(issuer: string): boolean {
  return entraHosts.has(new URL(issuer).hostname);
}

const entraHosts = new Set([
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
]);

/**
 * Keycloak ends its own session with the last refresh token of it that is revoked. A sign-out that comes after finds
 * none: no LOGOUT event, and other apps are not called (TokenRevocationEndpoint.java, `revokeClientSession`:
 * https://github.com/keycloak/keycloak/blob/main/services/src/main/java/org/keycloak/protocol/oidc/endpoints/TokenRevocationEndpoint.java).
 * Its issuers are `https://<host>/realms/<realm>`, below whatever path.
 */
export function revocationEndsSession(issuer: string): boolean {
  return new URL(issuer).pathname.split('/').at(-2) === 'realms';
}

/**
 * Of such a provider's refresh tokens, those that its session takes along; to revoke one afterwards would be an error
 * event there. An offline one (`typ` Offline) outlives the session and must be revoked.
 */
export function endsWithSession(refreshToken: string | undefined): boolean {
  return unverifiedClaims(refreshToken).typ === 'Refresh';
}
