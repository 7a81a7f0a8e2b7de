import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Context } from 'oidc-provider';
import { freePort } from './app.ts';
import type { Certificate } from './certificates.ts';
import {
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts';

export interface MutualTlsProvider extends IdentityProvider {
  /** Requests that came by the endpoints for clients with a certificate. */
  byAlias: string[];
}

/**
 * A provider on https that asks for client certificates only at endpoints of their own (RFC 8705 §5), as real ones
 * do so that no browser asks its user for one.
 */
export async function startMutualTlsProvider(
  server: Certificate,
  clientCa: Certificate,
  { overrides = {}, ...options }: IdentityProviderOptions,
): Promise<MutualTlsProvider> {
  const tls = { cert: server.cert, key: server.key };
  const asking = createServer({ ...tls, ca: [clientCa.cert], requestCert: true, rejectUnauthorized: false });
  asking.listen(0, 'localhost');
  await once(asking, 'listening');
  const port = await freePort();
  const host = `localhost:${port}`;
  const alias = (path: string) => `https://localhost:${(asking.address() as AddressInfo).port}${path}`;
  const provider = await startIdentityProvider({
    ...options,
    port,
    tls: { ...tls, requestCert: false },
    overrides: {
      ...overrides,
      discovery: {
        mtls_endpoint_aliases: {
          token_endpoint: alias('/token'),
          revocation_endpoint: alias('/token/revocation'),
          pushed_authorization_request_endpoint: alias('/request'),
          userinfo_endpoint: alias('/me'),
        },
      },
    },
  });
  const byAlias: string[] = [];
  const answer = provider.provider.callback();
  asking.on('request', (req, res) => {
    byAlias.push(`${req.method} ${req.url}`);
    req.headers.host = host;
    answer(req, res);
  });
  return {
    ...provider,
    byAlias,
    async stop() {
      asking.closeAllConnections();
      asking.close();
      await provider.stop();
    },
  };
}

const socketOf = ({ req }: Context) => req.socket as TLSSocket;

/** How the provider finds a client's certificate, for tests that lay settings of their own over its `mTLS`. */
export const readCertificates = {
  getCertificate: (ctx: Context) => socketOf(ctx).getPeerX509Certificate()?.toString(),
  certificateAuthorized: (ctx: Context) => socketOf(ctx).authorized,
  certificateSubjectMatches: (ctx: Context, _property: string, expected: string) =>
    socketOf(ctx).getPeerX509Certificate()?.subject === expected,
};
