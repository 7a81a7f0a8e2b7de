import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose';
import Provider, { type ClientMetadata, type Configuration, type Context } from 'oidc-provider';
import { type Account, sampleAccounts } from './accounts.ts';
import { type ProviderApi, providerConfiguration } from './provider-config.ts';
import { allowTokenExchange } from './provider-exchange.ts';
import { providerLogout } from './provider-logout.ts';
import { logoutPages, providerPages } from './provider-pages.ts';
import { ProviderStore } from './provider-store.ts';
import { createRender } from './provider-views.ts';

export interface ProviderOptions {
  /** 0, the default: any free port. */
  port?: number;
  /** Default: http://localhost:<port>, or https with `tls`. */
  issuer?: string;
  /** How its pages are told from another one's, by their colour and words. */
  name?: string;
  label?: string;
  clients?: ClientMetadata[];
  accounts?: readonly Account[];
  /**
   * The APIs that access tokens are for, each by the resource that it is (RFC 8707). With one they are JWTs, without any
   * opaque. A token that is asked for without a `resource` is for the first.
   */
  apis?: readonly ProviderApi[];
  /** Gives tokens for any other API too, which nobody has to register. Default: false. */
  anyApi?: boolean;
  /** Signature algorithms to make keys for; the first is the default. */
  algs?: readonly string[];
  /** The signing keys, with their private parts. Default: new ones for `algs`. */
  jwks?: SigningKeys;
  /** Serves https, and asks for client certificates. */
  tls?: TlsOptions;
  /** Laid over the provider's own settings; `features` and `ttl` are merged. */
  overrides?: Configuration;
  /** Sees each request as it comes in, such as `POST /token`. */
  onRequest?: (line: string) => void;
}

export type SigningKeys = Awaited<ReturnType<typeof createKeys>>;

export type RunningProvider = Awaited<ReturnType<typeof startProvider>>;

/** An OpenID provider in this process, on any free port. Nothing it knows outlives it. */
export async function startProvider(options: ProviderOptions = {}) {
  const { tls, algs = ['RS256'], apis = [], anyApi = false, overrides = {}, onRequest } = options;
  // Its own list: whoever signs up is added.
  const accounts = [...(options.accounts ?? sampleAccounts)];
  const jwks = options.jwks ?? (await createKeys(algs));
  const server = await listen(options);
  const { port } = server.address() as AddressInfo;
  const issuer = options.issuer ?? `${tls ? 'https' : 'http'}://localhost:${port}`;

  const store = new ProviderStore();
  const addClient = (client: ClientMetadata) => store.clients.set(client.client_id, client);
  options.clients?.forEach(addClient);

  const defaults = providerConfiguration({ accounts, apis, anyApi, algs, tls: Boolean(tls), port });
  const { name = 'work', label = 'Development identity provider' } = options;
  const render = createRender({ name, label });
  const { logoutSource, renderError, postLogoutSuccessSource } = logoutPages(render);
  const rpInitiatedLogout = {
    enabled: true,
    postLogoutSuccessSource,
    logoutSource: (ctx: Context) => logoutSource(ctx, logout),
  };
  const provider = new Provider(issuer, {
    ...{ ...defaults, adapter: store.adapter, jwks, renderError, ...overrides },
    features: {
      ...defaults.features,
      rpInitiatedLogout,
      // The library refuses one without the other.
      jwtUserinfo: { enabled: isOn(overrides.features?.userinfo) },
      ...overrides.features,
    },
    ttl: { ...defaults.ttl, ...overrides.ttl },
  });
  const logout = providerLogout(provider, store);
  allowOfflineAccess(provider);
  allowTokenExchange(provider, { apis, anyApi, accounts });
  acceptOwnJwts(provider, store, jwks);

  const pages = providerPages({ provider, store, accounts, logout, render });
  const { host } = new URL(issuer);
  server.on('request', (req, res) => {
    onRequest?.(`${req.method} ${req.url?.split('?')[0]}`);
    // The library builds its addresses from the request: only the issuer's name may get there.
    req.headers.host = host;
    pages(req, res);
  });

  return {
    issuer,
    url: issuer,
    port,
    provider,
    /** The signing keys with their private parts, for tests that forge. */
    jwks,
    addClient,
    ...logout,
    stop: () => close(server),
  };
}

/** Userinfo is, unless somebody says otherwise. */
function isOn(feature: { enabled?: boolean } = {}): boolean {
  return feature.enabled !== false;
}

async function listen({ tls, port = 0 }: ProviderOptions) {
  const server = tls
    ? createTlsServer({ requestCert: true, rejectUnauthorized: false, ...tls })
    : createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, 'localhost', resolve);
  });
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

/** Signing keys with their private parts, one for each algorithm. */
export async function createKeys(algs: readonly string[]) {
  const keys = await Promise.all(
    algs.map(async (alg) => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true });
      const jwk = await exportJWK(privateKey);
      return { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) };
    }),
  );
  return { keys };
}

/**
 * The library gives refresh tokens only to who asks for consent (OpenID Connect Core §11). The app is
 * the provider's own and is never asked, so every request counts as if consent had been asked for.
 */
function allowOfflineAccess(provider: Provider): void {
  const context = provider.OIDCContext.prototype;
  const inherited = Object.getOwnPropertyDescriptor(context, 'prompts');
  Object.defineProperty(context, 'prompts', {
    get(this: object): Set<string> {
      const prompts: Set<string> = inherited?.get?.call(this);
      return prompts.has('none') ? prompts : prompts.add('consent');
    },
  });
}

/**
 * The library keeps no record of JWT access tokens, so that userinfo and revocation would not know them.
 * At most providers one token opens the API and userinfo alike: here too.
 */
function acceptOwnJwts(provider: Provider, store: ProviderStore, jwks: JSONWebKeySet): void {
  const keys = createLocalJWKSet({ keys: jwks.keys.map(({ d, p, q, dp, dq, qi, ...key }) => key) });
  provider.on('access_token.issued', (token) => {
    const { aud, ...payload } = Object.fromEntries(
      provider.AccessToken.IN_PAYLOAD.map((name) => [name, token[name]]).filter(
        ([, value]) => value !== undefined,
      ),
    );
    const now = Math.floor(Date.now() / 1000);
    store.write(
      'AccessToken',
      token.jti,
      { ...payload, iat: now, exp: now + token.expiration },
      token.expiration,
    );
  });
  store.readAccessToken = async (jwt) => {
    const verified = await jwtVerify(jwt, keys, { issuer: provider.issuer, typ: 'at+jwt' }).catch(
      () => undefined,
    );
    return verified?.payload.jti;
  };
}
