import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { ApiToken } from '../provider/index.ts';
import { accessTokenSeconds, type Grant, type Registration } from './grants.ts';

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** What a token that is asked for is to open. */
export interface Asked {
  scope: string;
  /** The API by the name that it was asked for with; it has none where its scope says which it is. */
  audience: string | undefined;
}

/**
 * The API that a request to the token endpoint names: by `resource` (RFC 8707), by `audience`, or by its `scope`. It must be
 * one of the site's; nobody has to register it.
 *
 * @returns undefined where it names none; the error of a real provider where it may not have it
 */
export function apiAsked(
  form: URLSearchParams,
  grant: Grant,
  app: Registration | undefined,
): Asked | 'invalid_target' | 'invalid_scope' | undefined {
  const [resource, ...more] = form.getAll('resource');
  const audience = form.get('audience') ?? undefined;
  const scope = form.get('scope') ?? undefined;
  const isExchange = form.get('grant_type') === tokenExchange;
  const { apis = [] } = app ?? {};
  const fits = (known: readonly (string | undefined)[], name: string | undefined) =>
    name === undefined || known.includes(name);
  // A refresh may ask only for what a sign-in was granted (RFC 8707 §2.2).
  const resources = isExchange ? apis.map((api) => api.resource) : grant.resources;
  const audiences = apis.map((api) => api.audience);
  if (more.length > 0 || !fits(resources, resource) || !fits(audiences, audience)) return 'invalid_target';
  const scopes = [grant.scope, ...apis.map((api) => api.scope ?? '')].join(' ').split(' ');
  if (scope?.split(' ').some((word) => !scopes.includes(word))) return 'invalid_scope';
  if (!isExchange && (resource ?? audience ?? scope) === undefined) return undefined;
  const own = apis.find((api) => isNamed(api, { resource, audience }))?.scope;
  return { scope: scope ?? own ?? grant.scope, audience: resource ?? audience };
}

const isNamed = (api: ApiToken, { resource, audience }: Pick<ApiToken, 'resource' | 'audience'>) =>
  (resource ?? audience) !== undefined && api.resource === resource && api.audience === audience;

/** What an API reads in its token (RFC 9068 §2.2). */
export function tokenClaims({ account, acr }: Grant, { scope, audience }: Asked): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return {
    ...{ sub: String(account.claims.sub), scope, iat: now, exp: now + accessTokenSeconds, jti: randomUUID() },
    ...(audience !== undefined && { aud: audience }),
    ...{ auth_time: account.authTime, ...(acr !== undefined && { acr }) },
  };
}
