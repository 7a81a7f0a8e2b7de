import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { WayOut } from '../provider/go-on.ts';
import { type AuthContext, demandStore } from '../session/context.ts';
import type { DeviceKind } from '../session/device-names.ts';
import type { UserSession } from '../session/user.ts';
import { signedIn } from '../session/user-session.ts';
import { leaveAll } from './logout.ts';

/** One place where the user is signed in, as they may read it. */
export interface Device {
  /** Names it in a form; says nothing about the session id. */
  handle: string;
  /** True for the session that asks. */
  current: boolean;
  /** "Firefox on Linux" */
  device: string;
  kind: DeviceKind | undefined;
  /** What people call the provider where they signed in; undefined where there is only one. */
  provider: string | undefined;
  /** Of `place` in site.ts; undefined where it gave none. */
  place: string | undefined;
  since: Date;
  lastSeen: Date;
  /** Its absolute end: it may end sooner. */
  expires: Date;
}

/** Where somebody is signed in. */
export interface Devices {
  /** This one first, then the latest used. */
  devices: readonly Device[];
  /** How many more there are, older than these. Some of them may have ended. */
  older: number;
}

/**
 * Where the user of this request is signed in: here, and the newest of the others. Nothing is written to learn it.
 *
 * @param most how many of them, this one included
 */
export async function listSessions(req: Request, most: number): Promise<Devices> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  if (!own) return { devices: [], older: 0 };
  const { iss, sub } = own.user;
  const { sessions, older } = await context.sessions.newest({ iss, sub }, most);
  const now = Date.now();
  const idleMs = context.idleMinutes * 60_000;
  const others = sessions
    .filter(({ id }) => id !== own.id)
    .slice(0, most - 1)
    .flatMap(({ id, data, idleSecondsLeft }) => {
      const lastSeen = now - idleMs + idleSecondsLeft * 1000;
      return data.user ? [deviceOf(context, id, data.user, lastSeen)] : [];
    })
    .sort((a, b) => b.lastSeen.getTime() - a.lastSeen.getTime() || b.since.getTime() - a.since.getTime());
  // It may be older than all of these.
  const here = { ...deviceOf(context, own.id, own.user, now), current: true };
  return { devices: [here, ...others], older };
}

function deviceOf(context: AuthContext, id: string, user: UserSession, lastSeen: number): Device {
  const { device, deviceKind: kind, place, signedInAt, expiresAt } = user;
  return {
    handle: handleOf(id),
    current: false,
    ...{ device, kind, place },
    provider: context.providers.only ? undefined : context.providers.ofSession(user)?.label,
    since: new Date(signedInAt),
    lastSeen: new Date(Math.max(lastSeen, signedInAt)),
    expires: new Date(expiresAt),
  };
}

/** Ends one other session of this user. Returns what it was on; undefined where there is none by that handle any more. */
export async function endSession(req: Request, handle: unknown): Promise<string | undefined> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  if (!own || typeof handle !== 'string') return undefined;
  const { iss, sub } = own.user;
  const isMeant = (id: string) => id !== own.id && handleOf(id) === handle;
  const target = await context.sessions.find({ iss, sub }, isMeant);
  if (!target || !(await context.sessions.end(target.id, 'other-device'))) return undefined;
  return target.data.user?.device;
}

/** Ends the user's other sessions; this one stays. Returns how many. */
export async function endOtherSessions(req: Request): Promise<number> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  if (!own) return 0;
  const { iss, sub } = own.user;
  return context.sessions.endOwner({ iss, sub }, 'other-device', own.id);
}

/** Ends all of the user's sessions, this one by an ordinary sign-out. Returns where to go next. */
export async function endAllSessions(req: Request, res: Response): Promise<string | WayOut> {
  const others = await endOtherSessions(req);
  return leaveAll(req, res, { others });
}

function handleOf(id: string): string {
  return hash('sha256', `handle ${id}`, 'base64url').slice(0, 22);
}
