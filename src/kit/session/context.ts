import type { Request, Response } from 'express';
import type { SessionData } from 'express-session';
import { AuthError } from '../errors/auth-error.ts';
import { CookieJar } from '../http/cookies.ts';
import type { Audit, Log } from '../log/index.ts';
import type { ApiRequest, Apis, CallTokens, Demands, Provider } from '../provider/index.ts';
import type { Providers } from '../provider/providers.ts';
import type { Sealer, Sessions, TokenRecord } from '../store/index.ts';
import type { LoginParameters } from './login-parameters.ts';
import type { ApiName } from './register.ts';
import { roleReader } from './roles.ts';
import type { PlaceHook, SignInHook } from './sign-in-hook.ts';
import type { User } from './user.ts';

/** What signing in, signing out and the guard are given from outside: they read no settings and open no connections. */
export interface AuthOptions {
  /** The origin that users see. The scheme and every redirect come from it, never from a header. */
  baseUrl: string;
  providers: Providers;
  sessions: Sessions;
  sealer: (use: string) => Sealer;
  /** Names that only the holder of the secret can compute, under a key for each use; the current secret's first. */
  namer: (use: string) => (...parts: string[]) => string[];
  /** Current first; signs the session cookie. */
  secrets: readonly string[];
  idleMinutes: number;
  maxHours: number;
  /** 0: no recheck comes by itself. */
  recheckMinutes: number;
  /** What links to /auth/login may ask of the provider. */
  loginParameters: LoginParameters;
  /** True while developing: refusals then say which rule failed and what the claims held, the log what was dropped. */
  explain: boolean;
  /** Of site.ts: who may come in, from where, and what the site works with. */
  site: {
    signIn: SignInHook | undefined;
    place: PlaceHook | undefined;
    data: unknown;
    settings: Readonly<Record<string, unknown>>;
  };
  apis: Apis;
  /** Sends a browser to the provider. Handed in, as neither of the guard and the sign-in imports the other. */
  startLogin: StartLogin;
  /** Refreshes a session's tokens, due or not. Handed in likewise. */
  refreshTokens: (
    context: AuthContext,
    id: string,
    owner: { provider: string; iss: string; sub: string },
  ) => Promise<TokenRecord>;
  /**
   * The access token with which `signIn` in site.ts calls one of the site's APIs, or a newer one for that which the API
   * has refused: the same where there is none. Handed in likewise.
   */
  hookToken: (context: AuthContext, asked: HookUser, api: string, refused?: string) => Promise<CallTokens>;
  /** Calls one of the site's APIs as the user of a request. Handed in likewise. */
  fetchApi: (req: Request, name: ApiName, path: string, init?: ApiRequest) => Promise<globalThis.Response>;
  log: Log;
  audit: Audit;
}

/** The user that `signIn` is asked about. */
export interface HookUser {
  provider: Provider;
  iss: string;
  sub: string;
  tokens: TokenRecord;
  /** Their session; at a sign-in there is none yet. */
  session?: string;
}

/** What a sign-in is to ask for, and where it leads. */
export interface LoginRequest extends Demands {
  /** The provider's name. Left out where there are several, the person is asked. */
  provider?: string | undefined;
  /** A path that `localPath` has let through. */
  returnTo: string;
  /** What a link or a button asks of the provider besides: `prompt`, `login_hint` and others. */
  parameters?: Readonly<Record<string, string>> | undefined;
  /** APIs of the site, by name, that the provider has refused a token for: this sign-in asks for what they need. */
  apis?: readonly string[] | undefined;
  /** The session that the browser had when the first attempt left. */
  former?: string | undefined;
  /** The second attempt, after the provider's sign-in page had expired: there is no third without a click (R4). */
  restarted?: boolean | undefined;
}

export type StartLogin = (req: Request, res: Response, login: LoginRequest) => Promise<void>;

/** The options and what is made of them once. */
export interface AuthContext extends AuthOptions {
  secure: boolean;
  cookies: CookieJar;
  /** What seals small texts into cookies, under a key for each use. */
  sealers: {
    /** Sign-ins on their way. */
    login: Sealer;
    /** What /signed-out is to say. */
    farewell: Sealer;
    /** The count of the loop guard. */
    trail: Sealer;
    /** What a page is to say once. */
    said: Sealer;
  };
  /** The roles in a user's claims, by the claim that the settings name for their provider. */
  rolesOf: (provider: string, claims: Record<string, unknown>) => string[];
  /** What the pages of (iss, sub) carry. */
  pageMarks: (iss: string, sub: string) => string[];
}

/** Does no I/O: the provider and the stores are handed in, connected or not. */
export function createContext(options: AuthOptions): AuthContext {
  const { baseUrl, providers, sealer, namer, log } = options;
  const secure = baseUrl.startsWith('https:');
  const readers = new Map(
    providers.all.map(({ name, settings: { rolesClaim } }) => [
      name,
      rolesClaim === undefined ? () => [] : roleReader(rolesClaim, log),
    ]),
  );
  return {
    ...options,
    secure,
    cookies: new CookieJar(secure, providers.all.some(answersByForm) ? 'none' : 'lax'),
    sealers: {
      ...{ login: sealer('login'), farewell: sealer('signed-out') },
      ...{ trail: sealer('sign-ins'), said: sealer('said') },
    },
    rolesOf: (provider, claims) => readers.get(provider)?.(claims) ?? [],
    pageMarks: namer('page mark'),
  };
}

/** Whether a provider's answer comes as a form of its own page, which Lax cookies do not follow. */
export function answersByForm({ settings }: Provider): boolean {
  return settings.responseMode === 'form_post';
}

/** What is known about one request. */
export interface RequestAuth {
  context: AuthContext;
  /** Set when the store did not answer: then nobody can say who this is (R14). */
  storeError?: unknown;
  /** What the store held for the session cookie, or what this request's sign-in has put there. */
  found?: { id: string; data: SessionData };
  /** What `found` was before it ended with this request: for the log, which says who asked. */
  left?: RequestAuth['found'];
  /** The session cookie that one of our secrets has signed, without escapes. express-session is given this one only. */
  cookie?: string;
  /** True once something has asked for `req.session`; from then on that says which session it is, or none. */
  asked: boolean;
  /** The id in a session cookie of ours whose session is gone. */
  formerSession?: string;
  user?: User | undefined;
}

declare global {
  namespace Express {
    interface Request {
      auth?: RequestAuth;
    }
  }
}

/** @throws Error when the session was not read before this route */
export function authOf(req: Request): RequestAuth {
  if (!req.auth) throw new Error('mount readSession before any route that asks who is signed in');
  return req.auth;
}

/** @throws AuthError `store_away` (503) when the session could not be read */
export function demandStore(req: Request): RequestAuth {
  const auth = authOf(req);
  if (auth.storeError !== undefined) throw new AuthError('store_away', { cause: auth.storeError });
  return auth;
}
