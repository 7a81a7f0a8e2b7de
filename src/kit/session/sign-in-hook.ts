import type { Request } from 'express';
import type { Language } from '../errors/language.ts';
import type { Log } from '../log/index.ts';
import type { ApiRequest } from '../provider/index.ts';

/** What `signIn` in site.ts is handed. */
export interface SignInContext<Data = unknown, Settings = unknown> {
  /** Everything that the ID token and userinfo said, `iss` and `sub` included. */
  claims: Readonly<Record<string, unknown>>;
  /** The issuer. Together with `sub` it says who the user is: key your own records by both (R8). */
  iss: string;
  sub: string;
  /** The provider's name in OIDC_PROVIDERS; `default` where there is one provider without a name. */
  provider: string;
  /** The roles in the claim that OIDC_ROLES_CLAIM names. */
  roles: readonly string[];
  /** A sign-in, or the recheck of somebody who is signed in. */
  reason: 'sign-in' | 'recheck';
  /** That of the request that signs in, or that made the recheck due, of those in site.ts's `texts`. */
  language: Language;
  settings: Settings;
  data: Data;
  log: Log;
  /** Calls one of the site's `apis` as the user. */
  fetchApi: (name: string, path: string, init?: ApiRequest) => Promise<Response>;
}

/** What `signIn` in site.ts returns. What it leaves out: the roles in the claims, and no member. */
export interface Admission {
  /** They replace those in the claims. */
  roles?: readonly string[] | undefined;
  /** A small value of the site's own, JSON: pages see it as `user.member`. */
  member?: unknown;
}

/** As the kit knows it: what it returns is checked when it is there. */
export type SignInHook = (at: SignInContext<never, never>) => unknown;

/** What `place` in site.ts is handed. */
export interface PlaceContext<Data = unknown, Settings = unknown> {
  /** The request that ends the sign-in: `req.ip`, or a header that your proxy sets. */
  req: Request;
  data: Data;
  settings: Settings;
  log: Log;
}

/** As the kit knows it: what it returns is looked at when it is there. */
export type PlaceHook = (at: PlaceContext<never, never>) => unknown;
