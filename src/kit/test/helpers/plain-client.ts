import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { createBrowser } from './browser.ts';
import { clientId, clientSecret, type IdentityProvider } from './identity-provider.ts';

const scope = 'openid profile email offline_access';

export interface How {
  browser?: ReturnType<typeof createBrowser>;
  auth?: client.ClientAuth;
  alg?: string;
  par?: boolean;
  /** false: do not check auth_time against max_age. */
  checkAge?: boolean;
  /** The APIs that the sign-in asks for (RFC 8707). */
  resources?: string[];
}

/** A client without pages: signs in as an app does, with the same library, and hears of logouts. */
export async function startPlainClient() {
  const { server, ...logoutListener } = await listenForLogouts();
  const { origin } = logoutListener;

  async function authorizationUrl(
    config: client.Configuration,
    more: Record<string, string> = {},
    { pkceCodeVerifier = client.randomPKCECodeVerifier(), par = false } = {},
  ): Promise<URL> {
    const params = {
      redirect_uri: `${origin}/auth/callback`,
      scope,
      state: 'some-state',
      nonce: 'some-nonce',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...more,
    };
    if (par) return client.buildAuthorizationUrlWithPAR(config, params);
    return client.buildAuthorizationUrl(config, params);
  }

  /** The whole sign-in, checked as openid-client checks it. */
  async function signIn(
    idp: IdentityProvider,
    account: string,
    more: Record<string, string> = {},
    { browser = createBrowser(), auth, alg, par = false, checkAge = true, resources = [] }: How = {},
  ) {
    const config = await discover(idp, auth, alg);
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const url = await authorizationUrl(config, more, { pkceCodeVerifier, par });
    for (const resource of resources) url.searchParams.append('resource', resource);
    const callback = await idp.signIn(browser, url.href, account);
    const tokens = await client.authorizationCodeGrant(config, new URL(callback), {
      pkceCodeVerifier,
      expectedState: 'some-state',
      expectedNonce: 'some-nonce',
      ...(more.max_age && checkAge && { maxAge: Number(more.max_age) }),
    });
    const claims = tokens.claims() as JWTPayload;
    const userinfo = () => client.fetchUserInfo(config, tokens.access_token, String(claims.sub));
    return { config, tokens, claims, userinfo };
  }

  return { ...logoutListener, authorizationUrl, signIn, stop: () => server.close() };
}

export function discover(at: IdentityProvider, auth = client.ClientSecretBasic(clientSecret), alg = 'RS256') {
  const metadata = { id_token_signed_response_alg: alg };
  return client.discovery(new URL(at.issuer), clientId, metadata, auth, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
}

/** Stands in for the app's back-channel address; keeps what it was told, its signature checked. */
async function listenForLogouts() {
  const logouts: JWTPayload[] = [];
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    const token = new URLSearchParams(body).get('logout_token') ?? '';
    const { iss } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const keys = createRemoteJWKSet(new URL(`${iss}/jwks`));
    const { payload, protectedHeader } = await jwtVerify(token, keys, { audience: clientId });
    logouts.push({ ...payload, typ: protectedHeader.typ });
    res.end();
  }).listen(0, 'localhost');
  await once(server, 'listening');
  return { logouts, server, origin: `http://localhost:${(server.address() as AddressInfo).port}` };
}
