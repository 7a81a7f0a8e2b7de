import type { Audit, Log } from '../log/index.ts';
import type { ClientKeyText } from './client-keys.ts';
import type { DecryptionKeyText } from './decryption.ts';
import type { ProviderCall } from './fetch.ts';
import type { ProxyEnv } from './proxy.ts';

/** How the provider knows this app, and what we ask of it. */
export interface ProviderSettings {
  /** As in OIDC_PROVIDERS; `default` for the one without a name. */
  name: string;
  /** Whether its addresses in this app hold its name. */
  named: boolean;
  /** What people read instead of "sign-in service". */
  label: string;
  /** A sentence with the plain names of settings in it, with this provider's instead. */
  inFull: (text: string) => string;
  /** Which claim holds the roles; undefined: nobody has a role. */
  rolesClaim: string | undefined;
  issuer: string;
  /** The origin that requests for the issuer's go to, where users reach that elsewhere. */
  internalUrl?: string | undefined;
  clientId: string;
  clientSecret?: string | undefined;
  clientAuth: string;
  /** The first signs; the next is tried while the provider does not know the first (rotation). */
  clientKeys: readonly ClientKeyText[];
  /** PEM, to be shown in TLS with the first client key (RFC 8705). */
  clientCert?: string | undefined;
  /** Whether the certificate is shown although the client authenticates with its key, to bind tokens to it (RFC 8705 §3). */
  certificateBoundTokens: boolean;
  /** How the client keys sign (RFC 7518); by each key and the provider's metadata where it is not set. */
  clientKeyAlg?: string | undefined;
  /** A file with a token about this app, which the platform puts there and renews (RFC 7523). */
  clientAssertionFile?: string | undefined;
  /** Whom a client assertion is for (RFC 7523 §3; draft-ietf-oauth-rfc7523bis wants the issuer). */
  clientAssertionAudience: 'issuer' | 'token_endpoint';
  /** The `typ` in a client assertion's header. */
  clientAssertionTyp?: 'JWT' | 'client-authentication+jwt' | undefined;
  scope: string;
  /** `auto`: `offline_access` is asked for only where the provider lists it, or lists no scopes. */
  offlineAccess: 'auto' | 'always';
  /** The one algorithm accepted of ID tokens and logout tokens (R2). */
  idTokenAlg: string;
  responseMode: 'query' | 'form_post' | 'jwt';
  /** Authorization requests are signed with the client key (RFC 9101). */
  requestObject: boolean;
  /** Private keys that open what is encrypted for this app. */
  decryptionKeys: readonly DecryptionKeyText[];
  par: 'auto' | 'require' | 'off';
  userinfo: boolean;
  audience?: string | undefined;
  resource?: string | undefined;
  prompt?: string | undefined;
  acrValues?: string | undefined;
  /** Seconds. */
  maxAge?: number | undefined;
  uiLocales?: string | undefined;
  /** Sent with every authorization request, whatever a link asks for. */
  authorizationParameters?: Readonly<Record<string, string>> | undefined;
  /** Tenant ids let in, or `*`, where the issuer serves many (Microsoft Entra). */
  allowedTenants: readonly string[];
  /** A rule with `maxAgeSeconds` accepts a fresh answer without auth_time (R18). */
  stepUpWithoutAuthTime: boolean;
  clockToleranceSeconds: number;
  dpop: boolean;
  /** For https requests to the provider and to APIs. */
  proxy?: ProxyEnv | undefined;
}

/** What the connection is given from outside. */
export interface ConnectionContext {
  log: Log;
  audit: Audit;
  /** Told of each exchange with the provider, for metrics. */
  onCall?: ((call: ProviderCall) => void) | undefined;
  /** Where the issuers of other providers of this app live. */
  otherOrigins?: readonly string[];
}
