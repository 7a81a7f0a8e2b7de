import type { TLSSocket } from 'node:tls';
import { type Configuration, type Context, errors, interactionPolicy } from 'oidc-provider';
import { type Account, acrValues } from './accounts.ts';

export interface ProviderSettings {
  accounts: readonly Account[];
  /** The APIs that access tokens are for: with one they are JWTs, without any opaque. */
  apis: readonly ProviderApi[];
  /** Whether any other API gets tokens too, with the scopes that are asked for. */
  anyApi: boolean;
  /** Signature algorithms, the first is the default. A key is made for each. */
  algs: readonly string[];
  /** Lets clients sign in with a TLS certificate (RFC 8705). */
  tls: boolean;
  /** Where it listens. */
  port: number;
}

/** An API that this provider gives access tokens for. */
export interface ProviderApi {
  /** What a `resource` parameter names it by, and the token's aud (RFC 8707). */
  audience: string;
  /** The scopes that a token for it may have. */
  scope: string;
}

/**
 * The provider's own settings, those of the IdentityServer in the ASP.NET Core sample: confidential
 * clients, code flow with PKCE only, refresh tokens that rotate, no consent page, exact addresses.
 */
export function providerConfiguration(settings: ProviderSettings): Configuration {
  const { accounts, algs, tls, port } = settings;
  return {
    acrValues: [...acrValues],
    claims: claimsByScope(accounts),
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientDefaults: {
      id_token_signed_response_alg: algs[0],
      ...(signsAnswers(algs) && { authorization_signed_response_alg: algs[0] }),
    },
    clientBasedCORS: () => false,
    // AlwaysIncludeUserClaimsInIdToken of the sample: the ID token holds name and email too, not only userinfo.
    conformIdTokenClaims: false,
    // Cookies know no ports: other names than the app's, and than those of another provider on this host.
    cookies: {
      names: {
        session: `idp-${port}-session`,
        interaction: `idp-${port}-interaction`,
        resume: `idp-${port}-resume`,
      },
    },
    interactions: {
      policy: interactionRules(),
      url: (_ctx: Context, { uid }: { uid: string }) => `/interaction/${uid}`,
    },
    // One grant a sign-in, without asking, so that revoking one session's tokens spares the others.
    loadExistingGrant: grantAll,
    rotateRefreshToken: true,
    expiresWithSession: async () => false,
    extraClientMetadata: {
      properties: ['frontchannel_logout_uri', 'frontchannel_logout_session_required'],
    },
    discovery: {
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
      prompt_values_supported: ['none', 'login', 'consent', 'select_account', 'create'],
    },
    ttl: {
      ...lifetimes,
      AccessToken: (_ctx, token) => findAccount(accounts, token.accountId)?.accessTokenSeconds ?? 300,
    },
    async findAccount(_ctx: Context, sub: string, token?: { kind: string }) {
      const account = findAccount(accounts, sub);
      // Switched off between the sign-in and the first refresh: the refresh answers invalid_grant.
      if (!account || (account.behaviour === 'switched off' && token?.kind === 'RefreshToken'))
        return undefined;
      return { accountId: sub, claims: () => ({ ...account.claims, sub }) };
    },
    fetch: fetchLoopback,
    clientAuthMethods: [...keyMethods, ...(tls ? ['tls_client_auth', 'self_signed_tls_client_auth'] : [])],
    features: features(settings),
    extraTokenClaims: howSignedIn,
  };
}

/** All that OIDC_ID_TOKEN_ALG and OIDC_CLIENT_KEY_ALG may be. By default the library knows the first five only. */
export const signatures = [
  ...['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
  ...['RS384', 'PS384', 'ES384', 'RS512', 'PS512', 'ES512'],
];

/** `enabledJWA` for whichever of them the app's settings name. */
export const everySignature = {
  idTokenSigningAlgValues: signatures,
  userinfoSigningAlgValues: signatures,
  authorizationSigningAlgValues: signatures,
  clientAuthSigningAlgValues: [...signatures, 'HS256'],
  requestObjectSigningAlgValues: signatures,
};

export function findAccount(accounts: readonly Account[], sub: string): Account | undefined {
  return accounts.find((account) => account.sub === sub);
}

function features({ tls, algs, ...known }: Pick<ProviderSettings, 'apis' | 'anyApi' | 'algs' | 'tls'>) {
  return {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    revocation: {
      enabled: true,
      allowedPolicy: async (_ctx: Context, client: { clientId: string }, token: { clientId: string }) =>
        client.clientId === token.clientId,
    },
    pushedAuthorizationRequests: { enabled: true },
    // FAPI 2.0 Message Signing, for clients that are registered so.
    requestObjects: { enabled: true },
    jwtResponseModes: { enabled: signsAnswers(algs) },
    encryption: { enabled: true },
    resourceIndicators: tokensFor(known),
    mTLS: { enabled: tls, selfSignedTlsClientAuth: true, tlsClientAuth: true, ...certificates },
  };
}

/** The library signs answers (JARM) with these only. */
function signsAnswers([usual = '']: readonly string[]): boolean {
  return /^(RS256|PS256|ES256|EdDSA|Ed25519)$/.test(usual);
}

/** In seconds. */
const lifetimes = {
  AuthorizationCode: 60,
  Grant: 14 * 24 * 3600,
  IdToken: 3600,
  Interaction: 3600,
  RefreshToken: 24 * 3600,
  Session: 14 * 24 * 3600,
};

type KnownApis = Pick<ProviderSettings, 'apis' | 'anyApi'>;

/** Access tokens for an API are JWTs; for anything else there are none (RFC 8707). */
function tokensFor(known: KnownApis) {
  return {
    enabled: true,
    // Of several that a sign-in was granted, a token is for one: the first, unless the request names another.
    defaultResource: async (_ctx: Context, _client: unknown, granted?: string[]) =>
      granted ? granted[0] : known.apis[0]?.audience,
    useGrantedResource: async () => true,
    async getResourceServerInfo(ctx: Context, resource: string) {
      const { AuthorizationCode, RefreshToken } = ctx.oidc.entities;
      return resourceServer(known, resource, (AuthorizationCode ?? RefreshToken ?? ctx.oidc.params).scope);
    },
  };
}

/**
 * What a token for an API may hold.
 *
 * @param asked the scopes that the sign-in or the exchange asked for
 * @throws InvalidTarget where this provider knows no such API
 */
export function resourceServer({ apis, anyApi }: KnownApis, resource: string, asked = '') {
  const api = apis.find(({ audience }) => audience === resource) ?? (anyApi ? { scope: asked } : undefined);
  if (!api) throw new errors.InvalidTarget();
  return {
    // The sign-in scopes too, so that the same token opens userinfo, as at most providers.
    scope: `openid profile email ${api.scope}`,
    accessTokenFormat: 'jwt',
  };
}

/** Tells an API how strong and how recent the sign-in was (RFC 9470 §6). */
function howSignedIn({ oidc }: Context) {
  const { AuthorizationCode, RefreshToken, SubjectToken } = oidc.entities;
  const { acr, authTime } = AuthorizationCode ?? RefreshToken ?? {};
  return SubjectToken ? SubjectToken.extra : { acr, auth_time: authTime };
}

/** Confidential clients only. */
const keyMethods = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'];

/** What each scope brings, in the ID token and by userinfo alike. */
function claimsByScope(accounts: readonly Account[]) {
  const openid = ['sub', 'roles', 'acr', 'auth_time'];
  const email = ['email', 'email_verified'];
  const ofNewAccounts = ['name', 'preferred_username'];
  const all = new Set([...ofNewAccounts, ...accounts.flatMap(({ claims }) => Object.keys(claims))]);
  const profile = [...all].filter((name) => !openid.includes(name) && !email.includes(name));
  return { openid, email, profile, sid: null, iss: null };
}

/** When the sign-in page is shown: the library's rules, and for acr_values that are not reached yet. */
function interactionRules() {
  const { base, Check, Prompt } = interactionPolicy;
  const rules = base();
  rules.get('login').checks.add(
    new Check('acr_values', 'a stronger sign-in is asked for', ({ oidc }) => {
      const asked = oidc.params.acr_values?.split(' ') ?? [];
      return asked.length > 0 && !oidc.result?.login && !asked.includes(oidc.acr ?? '');
    }),
  );
  rules.get('consent').checks.clear();
  rules.add(new Prompt({ name: 'select_account', requestable: true }), 0);
  rules.add(new Prompt({ name: 'create', requestable: true }), 0);
  return rules;
}

/** The library refuses to call loopback addresses; here the app is on one, so its guard is left out. */
function fetchLoopback(url: string, { dispatcher: _, ...init }: RequestInit & { dispatcher?: unknown }) {
  return fetch(url, init);
}

async function grantAll({ oidc }: Context) {
  const { accountId } = oidc.session;
  if (!accountId) return undefined;
  const grant = new oidc.provider.Grant({ accountId, clientId: oidc.client.clientId });
  grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '));
  grant.addOIDCClaims([...oidc.requestParamClaims]);
  for (const [resource, { scope }] of Object.entries(oidc.resourceServers))
    grant.addResourceScope(resource, scope);
  await grant.save();
  return grant;
}

/** Client certificates, as the provider's own TLS listener saw them. */
const certificates = {
  getCertificate: ({ req }: Context) => (req.socket as TLSSocket).getPeerX509Certificate?.()?.toString(),
  certificateAuthorized: ({ req }: Context) => (req.socket as TLSSocket).authorized === true,
  certificateSubjectMatches({ req }: Context, property: string, expected: string) {
    const certificate = (req.socket as TLSSocket).getPeerX509Certificate?.();
    if (property !== 'tls_client_auth_subject_dn' || !certificate) return false;
    const parts = (name: string) =>
      name
        .split(/[\n,]\s*/)
        .sort()
        .join();
    return parts(certificate.subject) === parts(expected);
  },
};
