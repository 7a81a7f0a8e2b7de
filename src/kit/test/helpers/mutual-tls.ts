import { hash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Context } from 'oidc-provider';
import { freePort } from '../../testing/processes.ts';
import type { Certificate } from './certificates.ts';
import {
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts';

export interface MutualTlsProvider extends IdentityProvider {
  /** Requests that came by the endpoints for clients with a certificate. */
  byAlias: string[];
  /** The thumbprint of the certificate that came with each of these. */
  shown: (string | undefined)[];
  /** Those at the plain endpoints. */
  plain: string[];
}

type Aliases = Record<string, unknown>;

interface Wanted {
  /** What the endpoints for certificates show, and where they are; by default as the others, on another port. */
  front?: Certificate;
  host?: string;
  port?: number;
  /** Whether TLS asks for a certificate there, and refuses connections without a trusted one. */
  asks?: boolean;
  refuses?: boolean;
  /** What the metadata says of them; undefined: nothing. */
  aliases?: (honest: Aliases, at: string) => unknown;
}

/**
 * A provider on https that asks for client certificates only at endpoints of their own (RFC 8705 §5), as real ones
 * do so that no browser asks its user for one.
 */
export async function startMutualTlsProvider(
  server: Certificate,
  clientCa: Certificate,
  { overrides = {}, ...options }: IdentityProviderOptions,
  {
    front = server,
    host = 'localhost',
    port: own = 0,
    asks = true,
    refuses = false,
    aliases = (honest) => honest,
  }: Wanted = {},
): Promise<MutualTlsProvider> {
  const asking = createServer({
    ...{ cert: front.cert, key: front.key, ca: [clientCa.cert] },
    ...{ requestCert: asks, rejectUnauthorized: refuses },
  });
  asking.listen(own, 'localhost');
  await once(asking, 'listening');
  const port = await freePort();
  const at = `https://${host}:${(asking.address() as AddressInfo).port}`;
  const honest = {
    token_endpoint: `${at}/token`,
    revocation_endpoint: `${at}/token/revocation`,
    pushed_authorization_request_endpoint: `${at}/request`,
    userinfo_endpoint: `${at}/me`,
  };
  const plain: string[] = [];
  const provider = await startIdentityProvider({
    ...options,
    port,
    tls: { cert: server.cert, key: server.key, requestCert: false },
    overrides: { ...overrides, discovery: { mtls_endpoint_aliases: aliases(honest, at) } },
    onRequest: (line) => void plain.push(line),
  });
  const byAlias: string[] = [];
  const shown: (string | undefined)[] = [];
  const answer = provider.provider.callback();
  asking.on('request', (req, res) => {
    byAlias.push(`${req.method} ${req.url}`);
    shown.push(thumbprintShown(req));
    req.headers.host = new URL(provider.issuer).host;
    answer(req, res);
  });
  return {
    ...provider,
    ...{ byAlias, shown, plain },
    async stop() {
      asking.closeAllConnections();
      asking.close();
      await provider.stop();
    },
  };
}

/** As a token bound to it has it in its `cnf` (RFC 8705 §3.1). */
export function thumbprintOf({ cert }: Pick<Certificate, 'cert'>): string {
  return hash('sha256', new X509Certificate(cert).raw, 'base64url');
}

/** Of the certificate that a request came with. */
export function thumbprintShown({ socket }: IncomingMessage): string | undefined {
  const certificate = (socket as TLSSocket).getPeerX509Certificate();
  return certificate && hash('sha256', certificate.raw, 'base64url');
}

const socketOf = ({ req }: Context) => req.socket as TLSSocket;

/** How the provider finds a client's certificate, for tests that lay settings of their own over its `mTLS`. */
export const readCertificates = {
  getCertificate: (ctx: Context) => socketOf(ctx).getPeerX509Certificate()?.toString(),
  certificateAuthorized: (ctx: Context) => socketOf(ctx).authorized,
  certificateSubjectMatches: (ctx: Context, _property: string, expected: string) =>
    socketOf(ctx).getPeerX509Certificate()?.subject === expected,
};
