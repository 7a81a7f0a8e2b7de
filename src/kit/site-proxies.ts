import type { ApiProxy } from './provider/index.ts';

interface Given {
  proxy?: unknown;
  requestHeaders?: unknown;
  answerHeaders?: unknown;
}

/** More is a sign that all are meant. */
const mostHeaders = 20;

/**
 * Where scripts reach an API, and what passes there.
 *
 * @returns a problem as a text; undefined where there is no proxy
 */
export function readProxy({ proxy, requestHeaders, answerHeaders }: Given): ApiProxy | undefined | string {
  if (proxy === undefined) {
    return requestHeaders === undefined && answerHeaders === undefined
      ? undefined
      : 'has `requestHeaders` or `answerHeaders` but no `proxy` that they could pass.';
  }
  if (typeof proxy !== 'string' || proxy.length > 100 || !/^(?:\/[a-z0-9][a-z0-9._-]*)+$/.test(proxy))
    return 'needs its `proxy` as an address of this app in lower case, such as "/api/notes".';
  if (/^\/(auth|healthz|readyz|sessions|signed-out)(\/|$)/.test(proxy))
    return `has the \`proxy\` ${proxy}, which is an address of the kit's own. Give it another.`;
  const toApi = readNames(requestHeaders, 'requestHeaders', neverSent);
  if (typeof toApi === 'string') return toApi;
  const toScript = readNames(answerHeaders, 'answerHeaders', neverAnswered);
  if (typeof toScript === 'string') return toScript;
  return { path: proxy, requestHeaders: toApi, answerHeaders: toScript };
}

function readNames(given: unknown = [], setting: string, never: RegExp): string[] | string {
  if (!Array.isArray(given) || given.length > mostHeaders)
    return `needs its \`${setting}\` as a list of at most ${mostHeaders} header names, such as ['X-Total-Count'].`;
  const names = given.map((name: unknown) => (typeof name === 'string' ? name.toLowerCase() : ''));
  // Some servers take `_` for `-`: a name with one could pass as another.
  const odd = names.findIndex((name) => !/^[a-z][a-z0-9-]{0,59}$/.test(name));
  if (odd >= 0)
    return `has ${JSON.stringify(given[odd])?.slice(0, 60)} in its \`${setting}\`: a name has letters, digits and "-" only.`;
  const refused = names.find((name) => never.test(name));
  if (refused !== undefined) return `has ${refused} in its \`${setting}\`, which never passes.`;
  return [...new Set(names)];
}

/** For this hop only (RFC 9110 §7.6.1), or said by this app itself. */
const ofThisHop =
  'connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|host|content-length|proxy-.*|sec-.*|http2-settings';

/** What tells an API who asks, from where, or what for: it believes its own front ends, and this app is one. */
const neverSent = new RegExp(
  `^(?:${[
    ofThisHop,
    'authorization|x-authorization|cookie2?|set-cookie2?|dpop|kit-form|origin|referer|via|forwarded',
    'x-forwarded.*|x-forward-.*|forwarded-.*|(?:x-)?original-.*|x-rewrite-.*|x-real-.*|x-client(?:-.*)?|x-cluster-.*|true-client-ip|client(?:-.*)?',
    'x-originating-.*|x-override-.*|x-proxyuser-.*|x-(?:peer|source)-ip|x-ip|(?:x-)?(?:http-)?host(?:-.*)?|x-(?:server|backend)-.*',
    'x-(?:scheme|url|uri)(?:-.*)?|x-request-uri|front-end-https|(?:x-)?script-name',
    'x-http-method.*|x-method.*|http-method.*|x-override-method|method|x-http-path.*',
    '(?:x-)?(?:remote|auth|authenticated|authentication|user|userinfo|username|login|identity|principal|subject|sub|role|roles|group|groups|email|preferred-username|webauth|iap|jwt|oidc|openid|saml|krb|sso|spiffe)(?:-.*)?',
    '(?:x-)?(?:impersonate|on-behalf-of|act-as|sudo)(?:-.*)?|(?:x-)?(?:consumer|credential|anonymous-consumer|authentik|authelia|vouch|pomerium|tailscale|dapr)(?:-.*)?',
    '(?:x-)?(?:ssl|tls)(?:-.*)?|x-cert.*|x-proxy-.*|x-envoy-.*|x-istio-.*|x-accel-.*|x-sendfile.*|x-access-token|x-id-token|(?:x-)?cookies?',
    'x-ms-.*|x-amzn?-.*|x-goog-.*|x-google-.*|x-appengine-.*|x-azure-.*|x-arr-.*|cf-.*|fastly-.*|fly-.*|x-vercel-.*|x-akamai-.*|akamai-.*|cdn-.*|x-nf-.*',
  ].join('|')})$`,
);

/** What speaks to the browser about this whole site, or to servers on the way. */
const neverAnswered = new RegExp(
  `^(?:${[
    ofThisHop,
    'set-cookie2?|cookie2?|clear-site-data|strict-transport-security|public-key-pins.*|expect-ct|www-authenticate|authentication-(?:info|control)|kit-form',
    'access-control-.*|cross-origin-.*|origin-agent-cluster|timing-allow-origin|x-permitted-cross-domain-policies',
    'content-security-policy.*|x-content-security-policy|x-webkit-csp|permissions-policy.*|document-isolation-policy.*|integrity-policy.*|feature-policy|document-policy.*|referrer-policy|x-frame-options|x-content-type-options|x-xss-protection|x-download-options|require-document-policy',
    'cache-control|expires|pragma|age|vary|no-vary-search|surrogate-.*|cdn-.*|clear-.*',
    'location|content-location|refresh|link|alt-svc|alt-used|service-worker.*|sourcemap|x-sourcemap|speculation-rules|supports-loading-mode',
    'nel|report-to|reporting-endpoints|accept-ch.*|critical-ch|set-login|idp-.*|activate-storage-access|(?:secure-)?session-.*|origin-trial|shared-storage-.*|x-dns-prefetch-control|delegate-ch|observe-browsing-topics|attribution-.*|ad-auction-.*|use-as-dictionary',
    'dpop-nonce|x-accel-.*|x-sendfile.*|x-lighttpd-.*|x-litespeed-.*|edge-control|x-reproxy-.*|authorization|server|via|x-powered-by',
  ].join('|')})$`,
);
