import type { ServerMetadata } from 'openid-client';
import { AuthError } from '../errors/auth-error.ts';
import { excess } from './bounds.ts';
import { type ProviderAnswer, UnusableAnswer } from './fetch.ts';
import { oneLine } from './hint-text.ts';
import { everyTenant, isTenantId } from './issuers.ts';
import type { ConnectionContext, ProviderSettings } from './settings.ts';

/** The provider's metadata once it has been checked: what a sign-in cannot do without is there. */
export type Metadata = ServerMetadata & {
  authorization_endpoint: string;
  token_endpoint: string;
  jwks_uri: string;
};

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'end_session_endpoint',
  'revocation_endpoint',
  'pushed_authorization_request_endpoint',
] as const;

const metadataBounds = { levels: 8, values: 5_000, bytes: 256 * 1024 };
const longestAddress = 2_048;

const tenantPlaceholder = '{tenantid}';

/**
 * An answer of the discovery endpoint that the library may read: it copies the whole of it, level by level (R23).
 *
 * @throws UnusableAnswer
 */
export async function boundMetadata(answer: ProviderAnswer): Promise<ProviderAnswer> {
  const over = excess(await answer.json().catch(() => undefined), metadataBounds);
  if (over) throw new UnusableAnswer(`the provider's metadata has ${over}`);
  return answer;
}

/**
 * Holds the metadata to the settings (OpenID Connect Discovery §4.3).
 *
 * @throws AuthError `discovery_issuer` or `discovery_invalid`, with a hint for the developer
 */
export function checkMetadata(
  metadata: ServerMetadata,
  settings: ProviderSettings,
  { log, otherOrigins = [] }: Pick<ConnectionContext, 'log' | 'otherOrigins'>,
): Metadata {
  const { issuer, allowedTenants } = settings;
  const template = issuer.replace(/\/(common|organizations|consumers)\//, `/${tenantPlaceholder}/`);
  const expected = allowedTenants.length > 0 ? template : issuer;
  if (metadata.issuer !== expected)
    throw new AuthError('discovery_issuer', { hint: issuerHint(issuer, metadata.issuer) });
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
    if (!metadata[name])
      throw new AuthError('discovery_invalid', { hint: `the provider's metadata has no ${name}` });
  }
  for (const name of endpoints) {
    const problem = metadata[name] === undefined ? undefined : addressProblem(name, metadata[name], issuer);
    if (problem !== undefined) throw new AuthError('discovery_invalid', { hint: problem });
  }
  for (const [name, address] of addressesIn(metadata)) refuseForeign(name, address, otherOrigins);
  // PKCE is used all the same: providers exist that check it and do not say so (RFC 9700 §2.1.1).
  const methods: unknown = metadata.code_challenge_methods_supported;
  if (!(Array.isArray(methods) && methods.includes('S256'))) {
    log.warn("the provider's metadata does not offer PKCE with S256; it is sent anyway");
  }
  if (settings.par === 'require' && !metadata.pushed_authorization_request_endpoint) {
    throw new AuthError('discovery_invalid', {
      hint: 'OIDC_PAR is "require", but the provider offers no PAR',
    });
  }
  return metadata as Metadata;
}

/**
 * A provider that names an endpoint of another one would have us send that one's answers, or its own tokens, to the wrong
 * place (mix-up, RFC 9700 §4.4). Providers with one origin have one operator.
 */
function refuseForeign(name: string, address: unknown, otherOrigins: readonly string[]): void {
  const origin = originOf(address);
  if (origin === undefined || !otherOrigins.includes(origin)) return;
  throw new AuthError('discovery_invalid', {
    hint: `${name} in the provider's metadata is at ${origin}, which belongs to another provider in OIDC_PROVIDERS: nothing is sent there for this one`,
  });
}

/** Where requests for an address go: a dot at the end of a host's name leads to the same host. */
export function originOf(address: unknown): string | undefined {
  // What JSON holds besides texts may have a member `toString`, and cannot be made one.
  const url = typeof address === 'string' ? URL.parse(address) : null;
  if (!url) return undefined;
  url.hostname = url.hostname.replace(/\.$/, '');
  return url.origin;
}

/** All that may be asked, those for calls with a client certificate included (RFC 8705 §5). */
function addressesIn(metadata: ServerMetadata): [name: string, address: unknown][] {
  const aliases = Object.entries(metadata.mtls_endpoint_aliases ?? {});
  return [
    ...endpoints.map((name): [string, unknown] => [name, metadata[name]]),
    ...aliases.map(([name, address]): [string, unknown] => [`mtls_endpoint_aliases.${name}`, address]),
  ];
}

/** True for an issuer that serves many tenants: each token then names its own (Microsoft Entra). */
export function isTenantTemplate(metadata: { issuer: string }): boolean {
  return metadata.issuer.includes(tenantPlaceholder);
}

/** The issuer of one tenant's tokens. @throws AuthError when the tenant is not let in */
export function tenantIssuer(metadata: { issuer: string }, tid: unknown, allowed: readonly string[]): string {
  const isIn = allowed.includes(everyTenant) ? isTenantId(tid) : allowed.some((tenant) => tenant === tid);
  if (!isIn) {
    throw new AuthError('tenant_not_allowed', { hint: 'the tenant (tid) is not in OIDC_ALLOWED_TENANTS' });
  }
  return metadata.issuer.replace(tenantPlaceholder, String(tid));
}

/** Whether sign-in requests are pushed to the provider first (RFC 9126). */
export function usesPar(
  metadata: { pushed_authorization_request_endpoint?: unknown },
  { par }: Pick<ProviderSettings, 'par'>,
): boolean {
  return par !== 'off' && metadata.pushed_authorization_request_endpoint !== undefined;
}

/** What is wrong with the address of an endpoint, if anything is. */
export function addressProblem(name: string, address: unknown, issuer: string): string | undefined {
  if (isSafeAddress(address, issuer)) return undefined;
  return `${name} in the provider's metadata is not an https address${behindProxy(address)}`;
}

/** https; or http on loopback, where the issuer is there too. */
function isSafeAddress(address: unknown, issuer: string): boolean {
  const url = typeof address === 'string' && address.length <= longestAddress ? URL.parse(address) : null;
  if (url?.protocol === 'https:') return true;
  return (
    url?.protocol === 'http:' &&
    issuer.startsWith('http:') &&
    /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname)
  );
}

/** Providers that write the scheme they were asked by: behind a proxy that ends TLS, that is http. */
function behindProxy(address: unknown): string {
  return String(address).startsWith('http:')
    ? ': behind a proxy, the proxy has to say that users reach the provider by https (X-Forwarded-Proto)'
    : '';
}

function issuerHint(expected: string, actual: string): string {
  if (expected.replace(/^https:/, 'http:') === actual)
    return `the provider identifies itself as ${oneLine(actual, 200)}, OIDC_ISSUER says https${behindProxy(actual)}`;
  if (expected.replace(/^http:/, 'https:') === actual)
    return `the provider is reached by https: set OIDC_ISSUER to ${oneLine(actual, 200)}`;
  const slash = expected.replace(/\/$/, '') === actual.replace(/\/$/, '');
  const which = actual.endsWith('/') ? 'with a trailing slash' : 'without a trailing slash';
  return slash
    ? `the provider writes its issuer ${which}: set OIDC_ISSUER to ${oneLine(actual, 200)}`
    : `the provider identifies itself as ${oneLine(actual, 200)}, OIDC_ISSUER says ${expected}`;
}
