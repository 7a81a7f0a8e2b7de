import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { WayOut } from '../provider/go-on.ts';
import { demandStore } from '../session/context.ts';
import type { DeviceKind } from '../session/device-names.ts';
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

/** Where the user of this request is signed in, the latest used first. Nothing is written to learn it. */
export async function listSessions(req: Request): Promise<Device[]> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  if (!own) return [];
  const { iss, sub } = own.user;
  const idleMs = context.idleMinutes * 60_000;
  const found = await context.sessions.list({ iss, sub });
  return found
    .flatMap(({ id, data, idleSecondsLeft }) => {
      if (!data.user) return [];
      const { device, deviceKind: kind, place, signedInAt, expiresAt } = data.user;
      const current = id === own.id;
      const lastSeen = current ? Date.now() : Date.now() - idleMs + idleSecondsLeft * 1000;
      return [
        {
          handle: handleOf(id),
          current,
          ...{ device, kind, place },
          provider: context.providers.only ? undefined : context.providers.ofSession(data.user)?.label,
          since: new Date(signedInAt),
          lastSeen: new Date(Math.max(lastSeen, signedInAt)),
          expires: new Date(expiresAt),
        },
      ];
    })
    .sort(
      (a, b) =>
        Number(b.current) - Number(a.current) ||
        b.lastSeen.getTime() - a.lastSeen.getTime() ||
        b.since.getTime() - a.since.getTime(),
    );
}

/** Ends one other session of this user. Returns what it was on; undefined where there is none by that handle any more. */
export async function endSession(req: Request, handle: unknown): Promise<string | undefined> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  if (!own || typeof handle !== 'string') return undefined;
  const { iss, sub } = own.user;
  const found = await context.sessions.list({ iss, sub });
  const target = found.find(({ id }) => handleOf(id) === handle && id !== own.id);
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
