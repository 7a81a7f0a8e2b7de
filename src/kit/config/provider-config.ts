import type { DecryptionKey } from './decryption-keys.ts';
import type { ClientKey } from './key-file.ts';
import { type ProviderNames, plainNames } from './provider-names.ts';
import type { Complete, Values } from './settings.ts';

export interface ProviderConfig {
  /** As in OIDC_PROVIDERS; `default` where there is one, without a name. */
  readonly name: string;
  /** Whether OIDC_PROVIDERS names it: then its addresses hold the name. */
  readonly named: boolean;
  /** What people read. No two have the same. */
  readonly label: string;
  /** A sentence with the plain names of settings in it, with the names that this provider has them by. */
  readonly inFull: (text: string) => string;
  /** Exactly as it was written: the slash at its end is part of an issuer's name. */
  readonly issuer: string;
  /** The origin at which the server reaches the issuer's, where users reach that elsewhere. */
  readonly internalUrl: string | undefined;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly clientAuth: NonNullable<Values['OIDC_CLIENT_AUTH']>;
  /** The first one is used; a second one is there while the provider learns a new key. */
  readonly clientKeys: readonly ClientKey[];
  /** PEM, to be shown in TLS with the first client key. */
  readonly clientCert: string | undefined;
  /** Whether it is shown only to bind tokens to it: the key authenticates. */
  readonly certificateBoundTokens: boolean;
  /** How the client keys sign; by each key and the provider's metadata where it is not set. */
  readonly clientKeyAlg: string | undefined;
  /** Where the platform puts a token about this app (RFC 7523); read anew at each use. */
  readonly clientAssertionFile: string | undefined;
  readonly clientAssertionAudience: NonNullable<Values['OIDC_CLIENT_ASSERTION_AUDIENCE']>;
  readonly clientAssertionTyp: Values['OIDC_CLIENT_ASSERTION_TYP'];
  readonly scope: string;
  readonly offlineAccess: NonNullable<Values['OIDC_OFFLINE_ACCESS']>;
  readonly idTokenAlg: string;
  readonly responseMode: NonNullable<Values['OIDC_RESPONSE_MODE']>;
  /** Whether authorization requests are signed with the client key. */
  readonly requestObject: boolean;
  /** These open what is encrypted for this app; a second one is there while the provider learns a new key. */
  readonly decryptionKeys: readonly DecryptionKey[];
  readonly par: NonNullable<Values['OIDC_PAR']>;
  readonly userinfo: boolean;
  readonly audience: string | undefined;
  readonly resource: string | undefined;
  readonly prompt: string | undefined;
  readonly acrValues: string | undefined;
  readonly maxAge: number | undefined;
  readonly uiLocales: string | undefined;
  /** Sent with every authorization request. */
  readonly authorizationParameters: Readonly<Record<string, string>> | undefined;
  /** Undefined: nobody has a role. */
  readonly rolesClaim: string | undefined;
  /** Entra tenant ids, in small letters, or `*` alone; filled exactly when the issuer is a multi-tenant one. */
  readonly allowedTenants: readonly string[];
  readonly stepUpWithoutAuthTime: boolean;
  readonly clockToleranceSeconds: number;
  readonly dpop: boolean;
  /** For https requests to it and to APIs, in the words of Node's `proxyEnv`. */
  readonly proxy: { readonly https_proxy: string; readonly no_proxy: string | undefined } | undefined;
}

/** Of one provider whose settings have no problem. */
export function providerConfig(one: {
  values: Values;
  names: ProviderNames;
  keys: readonly ClientKey[];
  cert?: string;
  decryption: { keys: readonly DecryptionKey[] };
}): ProviderConfig {
  const { names, keys, cert, decryption } = one;
  const set = one.values as Complete & Values;
  return {
    name: names.provider,
    named: names !== plainNames,
    label: set.OIDC_LABEL ?? new URL(set.OIDC_ISSUER).host,
    inFull: names.inFull,
    issuer: set.OIDC_ISSUER,
    internalUrl: set.OIDC_INTERNAL_URL,
    clientId: set.OIDC_CLIENT_ID,
    clientSecret: set.OIDC_CLIENT_SECRET,
    clientAuth: set.OIDC_CLIENT_AUTH,
    clientKeys: keys,
    clientCert: cert,
    certificateBoundTokens: set.OIDC_CERTIFICATE_BOUND_TOKENS,
    clientKeyAlg: set.OIDC_CLIENT_KEY_ALG,
    clientAssertionFile: set.OIDC_CLIENT_ASSERTION_FILE,
    clientAssertionAudience: set.OIDC_CLIENT_ASSERTION_AUDIENCE,
    clientAssertionTyp: set.OIDC_CLIENT_ASSERTION_TYP,
    scope: set.OIDC_SCOPE,
    offlineAccess: set.OIDC_OFFLINE_ACCESS,
    idTokenAlg: set.OIDC_ID_TOKEN_ALG,
    responseMode: set.OIDC_RESPONSE_MODE,
    requestObject: set.OIDC_REQUEST_OBJECT,
    decryptionKeys: decryption.keys,
    par: set.OIDC_PAR,
    userinfo: set.OIDC_USERINFO,
    audience: set.OIDC_AUDIENCE,
    resource: set.OIDC_RESOURCE,
    prompt: set.OIDC_PROMPT,
    acrValues: set.OIDC_ACR_VALUES,
    maxAge: set.OIDC_MAX_AGE,
    uiLocales: set.OIDC_UI_LOCALES,
    authorizationParameters: set.OIDC_AUTHORIZATION_PARAMETERS,
    rolesClaim: (one.values as Values).OIDC_ROLES_CLAIM,
    allowedTenants: set.OIDC_ALLOWED_TENANTS ?? [],
    stepUpWithoutAuthTime: set.OIDC_STEP_UP_WITHOUT_AUTH_TIME,
    clockToleranceSeconds: set.OIDC_CLOCK_TOLERANCE_SECONDS,
    dpop: set.OIDC_DPOP,
    proxy: set.HTTPS_PROXY ? { https_proxy: set.HTTPS_PROXY, no_proxy: set.NO_PROXY } : undefined,
  };
}

/** Two that read the same get their names added: people choose by it. */
export function labelled(providers: readonly ProviderConfig[]): ProviderConfig[] {
  const withName = ({ label, name }: ProviderConfig) => `${label} (${name})`;
  return providers.map((one) => {
    const isTaken = providers.some(
      (other) => other !== one && [other.label, withName(other)].includes(one.label),
    );
    return isTaken ? { ...one, label: withName(one) } : one;
  });
}
