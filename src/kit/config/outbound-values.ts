import { BlockList, isIP } from 'node:net';
import { addressAt, isLoopback, text } from './values.ts';

// What may be set about the ways on which this app reaches others. Each message goes after the setting's name.

const privateAddresses = new BlockList();
privateAddresses.addSubnet('10.0.0.0', 8);
privateAddresses.addSubnet('172.16.0.0', 12);
privateAddresses.addSubnet('192.168.0.0', 16);
privateAddresses.addSubnet('fc00::', 7, 'ipv6');

/** Names that lead nowhere outside of a machine, a container network or a cluster: plain http may do there. */
function staysInside(hostname: string): boolean {
  if (isLoopback(hostname)) return true;
  const host = hostname.replace(/^\[|\]$|\.$/g, '');
  const family = isIP(host);
  if (family) return privateAddresses.check(host, family === 6 ? 'ipv6' : 'ipv4');
  return /^[\w-]+$/.test(host) || /^[\w-].*\.(svc|internal|local)$/.test(host);
}

/** Where the server reaches the issuer's origin. */
export const internalOrigin = addressAt(
  staysInside,
  'must begin with https://. Plain http is only for loopback, a private address, a name without dots, and names ending in .svc, .internal or .local.',
)
  .refine((value) => new URL(value).pathname === '/', {
    error:
      'must end after the host and port, without a path: it replaces the origin of OIDC_ISSUER, and the path stays that of OIDC_ISSUER.',
    abort: true,
  })
  .transform((value) => new URL(value).origin);

const escapes = 'Characters such as @, : and / in a user name or a password are written as %40, %3A and %2F.';

/**
 * The address of a proxy, as Node takes it. Node's own errors about a wrong one quote it whole, the password too, and a
 * kind of proxy that it does not know it passes over without a word.
 */
export const proxy = text.transform((value, ctx) => {
  const url = /^[a-z][a-z\d+.-]*:\/\/[^/\\]/i.test(value) && !/[\s\\]/.test(value) ? URL.parse(value) : null;
  const complaint = !url
    ? `must be the address of a proxy, such as http://proxy.example.com:3128. ${escapes}`
    : !/^https?:$/.test(url.protocol)
      ? 'must begin with http:// or https://: other kinds of proxies are not supported.'
      : /[,;|]/.test(url.hostname)
        ? 'must be one value, not a list.'
        : url.pathname !== '/' || /[?#]/.test(value)
          ? `must end after the host and port, without a path, a ? or a #. ${escapes}`
          : !isEscaped(url)
            ? 'has a % in the user name or the password that is not an escape: write %25.'
            : undefined;
  if (complaint) ctx.addIssue({ code: 'custom', message: complaint });
  return url?.href ?? '';
});

function isEscaped({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** Node reads the names in small letters first, as most programs do: what a platform sets in them counts here too. */
export function withProxyNames(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const proxies = { HTTPS_PROXY: env.https_proxy, NO_PROXY: env.no_proxy };
  return { ...env, ...Object.fromEntries(Object.entries(proxies).filter(([, value]) => value)) };
}
