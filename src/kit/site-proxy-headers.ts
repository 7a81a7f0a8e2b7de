/** For this hop only (RFC 9110 §7.6.1), or said by this app itself. */
const ofThisHop =
  'connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|host|content-length|proxy-.*|sec-.*|http2-settings';

/**
 * Request headers that `requestHeaders` in site.ts must not name: they say who asks, from where, or what for. APIs trust
 * these from their own front ends, and this app is one.
 */
export const neverSent = new RegExp(
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
    'baggage',
    'x-ms-.*|x-amzn?-.*|x-goog-.*|x-google-.*|x-appengine-.*|x-azure-.*|x-arr-.*|cf-.*|fastly-.*|fly-.*|x-vercel-.*|x-akamai-.*|akamai-.*|cdn-.*|x-nf-.*',
  ].join('|')})$`,
);

/** Answer headers that `answerHeaders` must not name: they speak to the browser about this whole site, or to servers on the way. */
export const neverAnswered = new RegExp(
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
