import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { playHost } from './host-names.ts';
import { endpoints } from './misbehaving-endpoints.ts';
import { type Alg, keyOf, publicJwk } from './misbehaving-keys.ts';
import { type Profile, plain } from './misbehaving-profiles.ts';
import { type Answer, type Lie, type Lies, send } from './misbehaving-replies.ts';
import type { Endpoint, ProviderState, Reply, TakeOver } from './misbehaving-state.ts';

/**
 * An OpenID provider that does everything right, and lies where it is told to: `next` for the sign-in that
 * comes next, `nextRefresh` for the refresh that comes next. Its sign-in page asks nothing and answers at once.
 */
export interface MisbehavingProvider {
  origin: string;
  /** What OIDC_ISSUER has to be. */
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** How often each endpoint was called. */
  calls: Record<Endpoint, number>;
  /** The parameters of the latest request to each endpoint. */
  latest: Partial<Record<Endpoint, URLSearchParams>>;
  /** Every request as it came: method, address, headers and body. */
  received: string[];
  /** The DPoP header of each call to the revocation endpoint, empty where there was none. */
  proofs: string[];
  /** Every code, token and verifier that was ever in play: none may show up in a log or a page. */
  secrets: string[];
  next(lies: Lies): void;
  nextRefresh(lies: Lies): void;
  /** Has the API lie about access tokens, until it is honest. */
  lieAboutTokens(lie: ((accessToken: string) => Lie | undefined) | undefined): void;
  /** Has a function answer at an endpoint, which is handed the honest answer, until it is honest. */
  takeOver(endpoint: Endpoint, answer: TakeOver): void;
  /** Ends all lies. */
  honest(): void;
  /** New keys, and the old ones are no longer published. */
  rotateKeys(): void;
  /** How far its clock is ahead: in its tokens and in the Date header of its answers. */
  setClockAhead(seconds: number): void;
  /** Closes every connection at once, until `up`. */
  down(): void;
  up(): void;
  stop(): Promise<void>;
}

export interface ProviderOptions {
  /** Where the app is: redirect URIs must begin with it. */
  appOrigin: string;
  /** Where the app takes this provider's answers; by default as the only provider of an app. */
  callbackPath?: string;
  /** Takes whatever redirect_uri of the app's origin. */
  anyRedirect?: boolean;
  /** Its keys are others than those of a provider of another family, under the same key ids. */
  family?: string;
  clientId?: string;
  clientSecret?: string;
  alg?: Alg;
  profile?: Profile;
  /** Publishes the one signing key only. */
  oneKey?: boolean;
  /** Signs every ID token without a `kid` in its header. */
  noKid?: boolean;
  /** Offers pushed authorization requests (RFC 9126). */
  par?: boolean;
  /** Lets in a client that proves itself by this assertion (RFC 7523); nothing is verified. */
  takesAssertion?: (assertion: string) => boolean;
  /** How it refuses a client that it does not know, instead of 400 `invalid_client`. */
  refusesClients?: Answer;
  /** Sends no Date header, as Keycloak. */
  noDate?: boolean;
}

export async function startMisbehavingProvider(options: ProviderOptions): Promise<MisbehavingProvider> {
  const state: ProviderState = {
    // Both hold what basic authentication must form-encode (RFC 6749 §2.3.1).
    clientId: 'web app:1',
    clientSecret: 'päss+word %41 & =more: than thirty-two',
    alg: 'RS256',
    profile: plain,
    ...options,
    origin: '',
    turn: 1,
    clockAhead: 0,
    lies: {},
    nextRefreshLies: {},
    apiLie: undefined,
    nextLies: undefined,
    grants: new Map(),
    pushed: new Map(),
    secrets: [],
    calls: Object.fromEntries(Object.keys(endpoints).map((name) => [name, 0])) as Record<Endpoint, number>,
    latest: {},
    proofs: [],
    received: [],
    takenOver: {},
  };
  let isDown = false;

  const { server, base } = serverOf(state.profile.host);
  server.on('request', async (req, res) => {
    if (isDown) return void res.destroy();
    res.sendDate = false;
    if (!state.noDate) res.setHeader('date', new Date(Date.now() + state.clockAhead * 1000).toUTCString());
    const url = new URL(req.url ?? '/', state.origin);
    const name = endpointAt(url.pathname, state);
    if (!name) return void send(res, { status: 404, json: { error: 'not_found' } });
    const body = await text(req);
    state.received.push(`${req.method} ${req.url} ${JSON.stringify(req.headers)} ${body}`);
    const params = req.method === 'POST' ? new URLSearchParams(body) : url.searchParams;
    state.calls[name] += 1;
    state.latest[name] = params;
    if (name === 'revocation') state.proofs.push(String(req.headers.dpop ?? ''));
    const answer = await endpoints[name]({ params, headers: req.headers }, state).catch((refused) =>
      refused === 'invalid_client' && state.refusesClients ? { ...state.refusesClients } : toAnswer(refused),
    );
    const { lie, ...honest } = (await state.takenOver[name]?.(answer, params)) ?? answer;
    await send(res, honest, lie);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.origin = `${base}:${(server.address() as AddressInfo).port}`;

  return {
    origin: state.origin,
    issuer: state.origin + (state.profile.discoveryPath ?? state.profile.issuerPath),
    clientId: state.clientId,
    clientSecret: state.clientSecret,
    calls: state.calls,
    latest: state.latest,
    proofs: state.proofs,
    received: state.received,
    secrets: state.secrets,
    next: (lies) => {
      state.nextLies = lies;
    },
    nextRefresh: (lies) => {
      state.nextRefreshLies = lies;
    },
    lieAboutTokens: (lie) => {
      state.apiLie = lie;
    },
    takeOver: (endpoint, answer) => {
      state.takenOver[endpoint] = answer;
    },
    honest: () => {
      state.takenOver = {};
      state.apiLie = undefined;
      state.nextLies = undefined;
      state.lies = {};
      state.nextRefreshLies = {};
    },
    rotateKeys: () => {
      state.turn += 1;
    },
    setClockAhead: (seconds) => {
      state.clockAhead = seconds;
    },
    down: () => {
      isDown = true;
      server.closeAllConnections();
    },
    up: () => {
      isDown = false;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Plain http on loopback, or https under a name that it plays. */
function serverOf(host: string | undefined) {
  if (!host) return { server: createServer(), base: 'http://127.0.0.1' };
  const { cert, key } = playHost(host);
  return { server: createTlsServer({ cert, key }), base: `https://${host}` };
}

/** A key that the provider never published, for headers that bring their own. */
export async function strangersJwk(): Promise<object> {
  return publicJwk(await keyOf('rsa-stranger'));
}

const paths: Record<string, Endpoint> = {
  '/authorize': 'authorization',
  '/par': 'par',
  '/token': 'token',
  '/userinfo': 'userinfo',
  '/jwks': 'jwks',
  '/revoke': 'revocation',
  '/api': 'api',
  '/elsewhere': 'elsewhere',
};

function endpointAt(path: string, { profile }: ProviderState): Endpoint | undefined {
  const issuerPath = (profile.discoveryPath ?? profile.issuerPath).replace(/\/$/, '');
  if (path === `${issuerPath}/.well-known/openid-configuration`) return 'discovery';
  if (path === (profile.metadata.end_session_endpoint ?? '/logout')) return 'end_session';
  return paths[path];
}

function toAnswer(refused: unknown): Reply {
  if (refused instanceof Error)
    return { status: 500, json: { error: 'server_error', detail: refused.message } };
  return { status: 400, json: { error: refused } };
}
