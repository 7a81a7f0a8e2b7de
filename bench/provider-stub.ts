/**
 * An OpenID provider that asks nobody anything: every authorization request is answered at once with a
 * code for a user never seen before. Fast, so that the bench measures the app and not the provider;
 * it signs with RS256 and checks PKCE, because real ones do. Never a provider for anything else.
 */
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { profileClaims } from './servers/claims.ts';

const port = Number(process.env.PORT);
/** Another address than its own where something stands in front of it. */
const issuer = process.env.ISSUER ?? `http://127.0.0.1:${port}`;
/** How long it takes for each call. */
const delayMs = Number(process.env.DELAY_MS ?? 0);
const givesRefreshTokens = process.env.REFRESH_TOKENS !== 'no';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const header = encode({ alg: 'RS256', typ: 'JWT', kid: 'bench' });
const accessTokenStem = `${header}.${randomBytes(420).toString('base64url')}`;

interface Grant {
  sub: string;
  aud: string;
  nonce: string | null;
  code_challenge: string | null;
}

const codes = new Map<string, Grant>();
const calls = new Map<string, number>();
let users = 0;
/** When a server that signs somebody in was last answered, in milliseconds since 1970. */
let lastAnswer = 0;

const discovery = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/jwks`,
  end_session_endpoint: `${issuer}/end-session`,
  revocation_endpoint: `${issuer}/revoke`,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
};

/** What the app itself calls; /authorize and /end-session are the browser's. */
const endpoints: Record<string, (req: IncomingMessage, res: ServerResponse, url: URL) => void> = {
  '/.well-known/openid-configuration': (_req, res) => sendJson(res, discovery),
  '/jwks': (_req, res) => {
    sendJson(res, {
      keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' }],
    });
  },
  '/authorize': (_req, res, { searchParams }) => {
    const code = randomBytes(16).toString('base64url');
    users += 1;
    codes.set(code, {
      sub: `user-${String(users).padStart(8, '0')}`,
      aud: searchParams.get('client_id') as string,
      nonce: searchParams.get('nonce'),
      code_challenge: searchParams.get('code_challenge'),
    });
    const back = new URL(searchParams.get('redirect_uri') as string);
    back.searchParams.set('code', code);
    const state = searchParams.get('state');
    if (state !== null) back.searchParams.set('state', state);
    res.writeHead(302, { location: back.href }).end();
  },
  '/token': async (req, res) => {
    const grant = grantOf(new URLSearchParams(await readBody(req)));
    if (!grant) return sendJson(res, { error: 'invalid_grant' }, 400);
    const access_token = `${accessTokenStem}.${grant.sub}`;
    lastAnswer = performance.timeOrigin + performance.now();
    sendJson(res, {
      access_token,
      token_type: 'Bearer',
      expires_in: 3600,
      ...(givesRefreshTokens && { refresh_token: refreshToken(grant) }),
      scope: 'openid profile email offline_access',
      id_token: signIdToken(grant, access_token),
    });
  },
  '/userinfo': (req, res) => {
    const sub = req.headers.authorization?.split('.').at(-1);
    lastAnswer = performance.timeOrigin + performance.now();
    sendJson(res, { sub, ...profileClaims });
  },
  '/revoke': (_req, res) => sendJson(res, {}),
  '/end-session': (_req, res, { searchParams }) => {
    const back = new URL(searchParams.get('post_logout_redirect_uri') as string);
    const state = searchParams.get('state');
    if (state !== null) back.searchParams.set('state', state);
    res.writeHead(302, { location: back.href }).end();
  },
  '/bench/last-answer': (_req, res) => sendJson(res, lastAnswer),
  '/bench/calls': (_req, res) => sendJson(res, Object.fromEntries(calls)),
};

createServer((req, res) => {
  const url = new URL(req.url as string, issuer);
  const endpoint = endpoints[url.pathname];
  calls.set(url.pathname, (calls.get(url.pathname) ?? 0) + 1);
  if (!endpoint) res.writeHead(404).end();
  else if (delayMs === 0) endpoint(req, res, url);
  else setTimeout(endpoint, delayMs, req, res, url);
}).listen(port, '127.0.0.1');

/** A code is good once; a refresh token says itself whose it is, so that the bench can make sessions with one. */
function grantOf(form: URLSearchParams): Grant | undefined {
  const sub = form.get('refresh_token')?.split('.').at(-1);
  if (sub !== undefined) return { sub, aud: 'bench', nonce: null, code_challenge: null };
  const code = form.get('code') as string;
  const grant = codes.get(code);
  codes.delete(code);
  return grant?.code_challenge === challengeOf(form.get('code_verifier')) ? grant : undefined;
}

function refreshToken({ sub }: Grant): string {
  return `${randomBytes(37).toString('base64url')}.${sub}`;
}

function signIdToken(grant: Grant, access_token: string): string {
  const now = Math.floor(Date.now() / 1000);
  const at_hash = createHash('sha256').update(access_token).digest().subarray(0, 16).toString('base64url');
  const payload = encode({
    ...{ iss: issuer, sub: grant.sub, aud: grant.aud, iat: now, exp: now + 36_000 },
    ...{ sid: randomBytes(16).toString('base64url'), at_hash },
    ...(grant.nonce && { nonce: grant.nonce }),
    ...profileClaims,
  });
  const signature = createSign('RSA-SHA256').update(`${header}.${payload}`).sign(privateKey, 'base64url');
  return `${header}.${payload}.${signature}`;
}

function challengeOf(code_verifier: string | null): string | null {
  return code_verifier && createHash('sha256').update(code_verifier).digest('base64url');
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function sendJson(res: ServerResponse, value: unknown, status = 200): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function readBody(req: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of req.setEncoding('utf8')) body += chunk;
  return body;
}
