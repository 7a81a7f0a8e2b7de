import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import type { AnySite } from '../../site.ts';
import type { TestApp } from './app.ts';
import { type AppWithRoutes, startAppWithRoutes } from './app-with-routes.ts';
import { type BoundApi, startBoundApi } from './bound-api.ts';
import type { Browser } from './browser.ts';
import { type Certificate, makeCertificate, trust } from './certificates.ts';
import { clientId, type IdentityProviderOptions } from './identity-provider.ts';
import { type MutualTlsProvider, readCertificates, startMutualTlsProvider } from './mutual-tls.ts';
import { type Pair, startPair } from './pair.ts';
import { mountCalls } from './several-apis.ts';

// private_key_jwt with tokens that are bound to the certificate of the client key (RFC 8705 §3).

export const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
export const authority = makeCertificate({ name: 'Clients' });
/** A client's key with a certificate that its provider and the APIs trust. */
export const issued = (days?: number) =>
  makeCertificate({ name: 'web-app', issuer: authority, ...(days !== undefined && { days }) });

let folder = '';
let files = 0;
const file = (content: string) => {
  const path = join(folder, String(files++));
  writeFileSync(path, content);
  return path;
};

/** For a whole test file, before its settings are made; returns what ends it. */
export function beginTrust(): () => void {
  folder = mkdtempSync(join(tmpdir(), 'bound-'));
  const end = trust(server);
  return () => {
    end();
    rmSync(folder, { recursive: true });
  };
}

/** The settings of a client with these keys, each with its certificate. */
export function boundEnv(
  clients: Certificate[],
  more: Record<string, string | undefined> = {},
): Record<string, string | undefined> {
  return {
    OIDC_CLIENT_SECRET: undefined,
    OIDC_CLIENT_AUTH: 'private_key_jwt',
    OIDC_CLIENT_KEY_FILE: clients.map(({ key }) => file(key)).join(),
    OIDC_CLIENT_CERT_FILE: clients.map(({ cert }) => file(cert)).join(),
    OIDC_CERTIFICATE_BOUND_TOKENS: 'true',
    ...more,
  };
}

/** What is registered for it: the keys' public parts, and that its tokens are bound. */
export async function boundClient(clients: Certificate[]): Promise<Partial<ClientMetadata>> {
  const keys = clients.map(async ({ cert }) => {
    const key = await exportJWK(createPublicKey(cert));
    return { ...key, kid: await calculateJwkThumbprint(key), use: 'sig' };
  });
  return {
    token_endpoint_auth_method: 'private_key_jwt',
    client_secret: undefined as never,
    tls_client_certificate_bound_access_tokens: true,
    jwks: { keys: await Promise.all(keys) },
  };
}

/** Has a provider bind tokens to certificates. */
export const mTLS = {
  ...readCertificates,
  ...{
    enabled: true,
    certificateBoundAccessTokens: true,
    tlsClientAuth: true,
    selfSignedTlsClientAuth: true,
  },
};

export interface Bound extends Pair {
  provider: MutualTlsProvider;
  api: BoundApi;
  app: AppWithRoutes;
  /** Starts the app once more, with other settings and with the sessions of the first. */
  again(env: Record<string, string | undefined>): Promise<AppWithRoutes>;
}

interface Options {
  /** The client's keys; all of them are registered. */
  clients?: Certificate[];
  env?: Record<string, string | undefined>;
  client?: Partial<ClientMetadata>;
  front?: Parameters<typeof startMutualTlsProvider>[3];
  features?: object;
  api?: Partial<Parameters<typeof startBoundApi>[0]>;
  provider?: IdentityProviderOptions;
  /** More of the API `notes` in site.ts. */
  as?: (url: string) => object;
  /** True: its access tokens are opaque, and the API gets none. */
  opaque?: boolean;
  /** Told of the provider before the app starts. */
  started?: (provider: MutualTlsProvider) => void;
}

/** An app, a provider and an API that demands the certificate, for as long as `use` takes. */
export async function withBound(
  {
    clients = [issued()],
    env = {},
    client = {},
    front,
    features = {},
    api: wanted = {},
    as = () => ({}),
    opaque = false,
    started,
    ...more
  }: Options,
  use: (bound: Bound) => Promise<void>,
): Promise<void> {
  const api = await startBoundApi({ server, clientCa: authority, ...wanted });
  let provider: MutualTlsProvider | undefined;
  const apis = () => ({ notes: { url: api.url, proxy: '/api/notes', ...as(api.url) } });
  const parts = { apis } as Partial<AnySite>;
  try {
    const secret = { SESSION_SECRET: randomBytes(32).toString('hex') };
    const pair = await startPair({
      ...more.provider,
      ...(!opaque && { apis: [{ audience: api.url, scope: 'notes' }] }),
      overrides: { ...more.provider?.overrides, features: { mTLS, ...features } },
      client: { ...(await boundClient(clients)), ...client },
      env: { ...secret, ...boundEnv(clients, env) },
      parts,
      routes: { mount: mountCalls },
      start: async (options) => {
        provider = await startMutualTlsProvider(server, authority, options, front);
        api.trustKeys(provider.jwks);
        started?.(provider);
        return provider;
      },
    });
    const app = pair.app as AppWithRoutes;
    const again: Bound['again'] = (changed) =>
      startAppWithRoutes(
        { OIDC_ISSUER: pair.provider.issuer, OIDC_CLIENT_ID: clientId, ...secret, ...env, ...changed },
        { site: parts, mount: mountCalls, wrap: () => app.sessions },
      );
    await use({ ...pair, app, provider: provider as MutualTlsProvider, api, again }).finally(pair.stop);
  } finally {
    api.stop();
  }
}

/** What `/call/notes` says that the API answered. */
export async function callNotes({ app }: { app: TestApp }, browser: Browser): Promise<number | string> {
  const page = await browser.get(app.url('/call/notes'));
  return page.status === 200 ? (JSON.parse(page.body) as { status: number }).status : `page ${page.status}`;
}
