import type { SessionOwner } from '../store/index.ts';
import type { DeviceKind } from './device-names.ts';
import type { Member } from './register.ts';

/** What a signed-in session holds. Tokens stand in a record of their own beside it (R12). */
export interface UserSession extends SessionOwner {
  /** The name of the provider that it came from. Together with `iss`: everything about it goes there and nowhere else. */
  provider: string;
  /** All claims but iss, sub and sid, which stand beside. */
  claims: Record<string, unknown>;
  /** Which of them only userinfo gave, by name. */
  fromUserinfo?: readonly string[] | undefined;
  /** Of `signIn` in site.ts; where it gives none, the roles in the claims count. */
  roles?: readonly string[] | undefined;
  /** Of `signIn` in site.ts. JSON. */
  member?: unknown;
  /** The scopes granted: as the provider said, else as the sign-in asked for. */
  scope?: string | undefined;
  /** Epoch milliseconds. */
  signedInAt: number;
  /** When a fresh sign-in was asked for and came without auth_time, epoch milliseconds (R18). */
  freshAt?: number;
  /** The absolute end, epoch milliseconds. */
  expiresAt: number;
  /** The browser, in plain words. */
  device: string;
  /** What it runs on; absent where nobody can tell, and in a session that an earlier version has stored. */
  deviceKind?: DeviceKind | undefined;
  /** Of `place` in site.ts, or absent. */
  place?: string | undefined;
  /** How the rechecks of this session went; absent before the first. */
  recheck?: RecheckState | undefined;
}

/** Times in epoch milliseconds. */
export interface RecheckState {
  /** When the next is due. */
  dueAt: number;
  /** When the one that is under way began, and its name: no two of a session have the same. None while none is. */
  beganAt?: number | undefined;
  /** When one last succeeded. */
  succeededAt?: number | undefined;
  /** Since when the provider has given only answers that a sign-in would refuse, or that only a sign-in cures. */
  refusedSince?: number | undefined;
  /** That none succeeded for an hour is in the log. */
  failureLogged?: true | undefined;
  /** There was nothing to ask: no refresh token, and the site had no `signIn`. It may have one after the next deploy. */
  idle?: true | undefined;
}

declare module 'express-session' {
  interface SessionData {
    user?: UserSession;
  }
}

/** The user of a request, as pages see them. */
export interface User {
  iss: string;
  sub: string;
  /** The name in OIDC_PROVIDERS of the provider that they signed in at; `default` where there is one without a name. */
  provider: string;
  sid?: string | undefined;
  name: string;
  email?: string | undefined;
  claims: Record<string, unknown>;
  /** What `signIn` in site.ts gave for this user. */
  member: Member;
  roles: readonly string[];
  scopes: readonly string[];
  acr?: string | undefined;
  /** When the user last proved who they are, as the provider says. */
  authTime?: Date | undefined;
  /** When they signed in again because we asked for it, at a provider that does not say when. */
  freshAt?: Date | undefined;
  signedInAt: Date;
  expiresAt: Date;
  idleExpiresAt: Date;
}
