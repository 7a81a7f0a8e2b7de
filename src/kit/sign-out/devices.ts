import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { WayOut } from '../provider/go-on.ts';
import { demandStore } from '../session/context.ts';
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
  /** What people call the provider where they signed in; undefined where there is only one. */
  provider: string | undefined;
  since: Date;
  lastSeen: Date;
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
      const current = id === own.id;
      const lastSeen = current ? Date.now() : Date.now() - idleMs + idleSecondsLeft * 1000;
      return [
        {
          handle: handleOf(id),
          current,
          device: data.user.device,
          provider: context.providers.only ? undefined : context.providers.ofSession(data.user)?.label,
          since: new Date(data.user.signedInAt),
          lastSeen: new Date(Math.max(lastSeen, data.user.signedInAt)),
        },
      ];
    })
    .sort((a, b) => Number(b.current) - Number(a.current) || b.lastSeen.getTime() - a.lastSeen.getTime());
}

/** Ends one other session of this user. False when there is none by that handle. */
export async function endSession(req: Request, handle: unknown): Promise<boolean> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  if (!own || typeof handle !== 'string') return false;
  const { iss, sub } = own.user;
  const found = await context.sessions.list({ iss, sub });
  const target = found.find(({ id }) => handleOf(id) === handle && id !== own.id);
  if (!target) return false;
  return context.sessions.end(target.id, 'other-device');
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
  await endOtherSessions(req);
  return leaveAll(req, res);
}

function handleOf(id: string): string {
  return hash('sha256', `handle ${id}`, 'base64url').slice(0, 22);
}
