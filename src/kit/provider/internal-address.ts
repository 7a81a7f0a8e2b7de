import { isIP } from 'node:net';
import type { ServerMetadata } from 'openid-client';
import { AuthError } from '../errors/auth-error.ts';
import type { Log } from '../log/index.ts';
import { oneLine } from './hint-text.ts';

// Users and the server may reach the provider at different addresses, as in containers and clusters. All that is signed,
// compared and shown is the public address; only the connection goes to the internal one.

interface Addresses {
  issuer: string;
  internalUrl?: string | undefined;
}

/** Where a request goes, and what goes along so that the provider takes it for one at its public address. */
export interface Route {
  url: URL;
  headers: Record<string, string>;
  /** The name that TLS asks for and checks; Node would take the one in the Host header. Empty for an IP address. */
  servername?: string;
  internal: boolean;
}

/** A request for the issuer's origin goes to the internal address, any other where it says. */
export function routeOf(url: URL, { issuer, internalUrl }: Addresses): Route {
  const at = new URL(issuer);
  if (internalUrl === undefined || url.origin !== at.origin) return { url, headers: {}, internal: false };
  const target = new URL(url.pathname + url.search, internalUrl);
  const name = target.hostname.replace(/\.$/, '');
  const headers = {
    host: at.host,
    // What the proxy in front of the provider says that users come by.
    ...(target.protocol !== at.protocol && { 'x-forwarded-proto': at.protocol.slice(0, -1) }),
  };
  return { url: target, headers, servername: isIP(name) || name.startsWith('[') ? '' : name, internal: true };
}

/** Where browsers are sent. */
const forBrowsers = ['authorization_endpoint', 'end_session_endpoint'] as const;

/**
 * The metadata with public addresses only. Keycloak with `hostname-backchannel-dynamic` names the address that it was
 * asked at for what the server asks; a server that builds its addresses from the Host header and its own scheme names
 * the issuer's host with that scheme.
 *
 * @throws AuthError `discovery_invalid` where a browser would be sent to the internal address
 */
export function withPublicAddresses<M extends Partial<Record<keyof ServerMetadata, unknown>>>(
  metadata: M,
  { issuer, internalUrl }: Addresses,
): M {
  if (internalUrl === undefined) return metadata;
  const [outside, inside] = [new URL(issuer), new URL(internalUrl)];
  for (const name of forBrowsers) {
    if (URL.parse(String(metadata[name]))?.origin !== inside.origin) continue;
    throw new AuthError('discovery_invalid', {
      hint: `${name} in the provider's metadata is ${oneLine(String(metadata[name]), 200)}, at OIDC_INTERNAL_URL, where browsers do not reach it: set the provider's public address (Keycloak: KC_HOSTNAME=${outside.origin})`,
    });
  }
  const toPublic = (value: unknown): unknown => {
    const url = typeof value === 'string' ? URL.parse(value) : null;
    if (!url || url.protocol !== inside.protocol) return value;
    return url.host === inside.host || url.host === outside.host
      ? outside.origin + url.pathname + url.search
      : value;
  };
  const publicOnes = (object: object) =>
    Object.fromEntries(
      Object.entries(object).map(([name, value]) => [
        name,
        /_(endpoint|uri)$/.test(name) ? toPublic(value) : value,
      ]),
    );
  const { mtls_endpoint_aliases: aliases } = metadata;
  return {
    ...(publicOnes(metadata) as M),
    ...(aliases instanceof Object && { mtls_endpoint_aliases: publicOnes(aliases) }),
  };
}

/** Tokens and the client secret can be read on the way: once at each start, somebody should know. */
export function warnOfPlainHttp({ internalUrl }: Addresses, log: Log): void {
  if (!internalUrl?.startsWith('http:')) return;
  log.warn(
    { hint: `OIDC_INTERNAL_URL is ${internalUrl}: use https there unless nobody else can read that network` },
    'the provider is reached by plain http: tokens and the client secret can be read on the way',
  );
}
