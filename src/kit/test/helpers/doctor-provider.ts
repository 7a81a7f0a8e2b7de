import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair } from 'jose';

/** What an endpoint answers: a body in one of its forms, or a redirect. */
export interface Reply {
  status?: number;
  json?: unknown;
  text?: string;
  html?: string;
  location?: string;
}

export interface Asked {
  params: URLSearchParams;
  headers: IncomingHttpHeaders;
  origin: string;
  issuer: string;
}

export type Endpoint = 'par' | 'authorize' | 'token' | 'endSession';

/** A provider that answers as one of the real ones does. */
export interface Server extends Partial<Record<Endpoint, (asked: Asked) => Reply | Promise<Reply>>> {
  /** Laid over plain metadata; undefined takes a member out, a path becomes an address below the issuer. */
  metadata?: Record<string, unknown>;
  /** What it identifies itself as, where that differs from the address that it is asked at. */
  named?: (issuer: string) => string;
  /** The path of the issuer. */
  path?: string;
  /** Instead of metadata. */
  discovery?: Reply;
  /** Instead of its one RSA key. */
  jwks?: Reply;
}

export interface DoctorProvider {
  issuer: string;
  /** `token client_id=…` and so on: each request but discovery and keys, in order. */
  asked: { endpoint: Endpoint; params: URLSearchParams }[];
  stop(): Promise<void>;
}

const rsa = generateKeyPair('RS256', { extractable: true });

/** Something small that answers each endpoint as its row of the table says. */
export async function startDoctorProvider(server: Server): Promise<DoctorProvider> {
  const { path = '', jwks = { json: { keys: [await publicKey()] } } } = server;
  const asked: DoctorProvider['asked'] = [];
  const http = createServer(async (req, res) => {
    const url = new URL(req.url ?? '/', origin);
    const params = req.method === 'POST' ? new URLSearchParams(await text(req)) : url.searchParams;
    const name = url.pathname.slice(path.length);
    const endpoint = endpoints[name];
    if (endpoint) asked.push({ endpoint, params });
    const reply: Reply =
      name === '/.well-known/openid-configuration'
        ? (server.discovery ?? { json: metadata(server, origin) })
        : name === '/jwks'
          ? jwks
          : ((endpoint &&
              (await server[endpoint]?.({
                params,
                headers: req.headers,
                origin,
                issuer: origin + path,
              }))) ?? {
              status: 404,
            });
    const { type, body } = bodyOf(reply);
    res.statusCode = reply.status ?? (reply.location ? 302 : 200);
    if (type) res.setHeader('content-type', type);
    if (reply.location) res.setHeader('location', reply.location);
    res.end(body);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    issuer: origin + path,
    asked,
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

const endpoints: Record<string, Endpoint> = {
  '/par': 'par',
  '/authorize': 'authorize',
  '/auth': 'authorize',
  '/token': 'token',
  '/logout': 'endSession',
};

async function publicKey() {
  const { publicKey } = await rsa;
  return { ...(await exportJWK(publicKey)), kid: 'first', use: 'sig', alg: 'RS256' };
}

function metadata({ par, endSession, named, path = '', metadata: more }: Server, origin: string) {
  const at = (name: string) => `${origin}${path}/${name}`;
  return {
    issuer: named?.(origin + path) ?? origin + path,
    authorization_endpoint: at('authorize'),
    token_endpoint: at('token'),
    jwks_uri: at('jwks'),
    ...(par && { pushed_authorization_request_endpoint: at('par') }),
    ...(endSession && { end_session_endpoint: at('logout') }),
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    claims_supported: ['sub', 'auth_time', 'name'],
    ...Object.fromEntries(
      Object.entries(more ?? {}).map(([name, value]) => [
        name,
        typeof value === 'string' && value.startsWith('/') ? origin + path + value : value,
      ]),
    ),
  };
}

function bodyOf({ json, text, html }: Reply): { type?: string; body?: string } {
  if (json !== undefined) return { type: 'application/json', body: JSON.stringify(json) };
  if (html !== undefined) return { type: 'text/html; charset=utf-8', body: html };
  return text === undefined ? {} : { type: 'text/plain;charset=UTF-8', body: text };
}
