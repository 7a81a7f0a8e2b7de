import type { SessionOwner } from '../store/index.ts';

/** What a signed-in session holds. Tokens stand in a record of their own beside it (R12). */
export interface UserSession extends SessionOwner {
  /** All claims but iss, sub and sid, which stand beside. */
  claims: Record<string, unknown>;
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
  sid?: string | undefined;
  name: string;
  email?: string | undefined;
  claims: Record<string, unknown>;
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
