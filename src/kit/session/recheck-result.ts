import type { AuthContext } from './context.ts';
import type { Gathered } from './recheck-sources.ts';
import type { UserSession } from './user.ts';

/**
 * Answers that a sign-in would refuse leave the old values in use for so long, in case the provider is being repaired.
 * Then the person has to sign in, or whoever can bring such answers about would keep a role that was taken away.
 */
const graceMs = 60_000;
/** Without success for so long, the log says so. */
const tooLongMs = 3_600_000;

/** Whether nothing but a new sign-in leads on. */
export function needsSignIn({ recheck }: UserSession): boolean {
  const since = recheck?.refusedSince;
  return since !== undefined && Date.now() - since >= graceMs;
}

/** The session as a recheck leaves it. */
export function applied(
  now: UserSession,
  before: UserSession,
  { found, problem, idle, refused }: Gathered,
  { recheckMinutes }: AuthContext,
): UserSession {
  const checkedAt = Date.now();
  const { failureLogged, succeededAt = now.signedInAt, refusedSince = checkedAt } = now.recheck ?? {};
  const stillRefused = refused ?? now.recheck?.refusedSince !== undefined;
  // Somebody may have asked for another one meanwhile.
  const asked = now.recheck?.dueAt !== before.recheck?.dueAt;
  const inTime = recheckMinutes === 0 ? now.expiresAt : checkedAt + recheckMinutes * 60_000;
  const next = problem ? (before.recheck?.dueAt ?? 0) : inTime;
  return {
    ...now,
    ...found,
    recheck: {
      dueAt: asked ? (now.recheck?.dueAt ?? 0) : next,
      succeededAt: problem ? succeededAt : checkedAt,
      ...(idle && { idle }),
      ...(stillRefused && !idle && { refusedSince }),
      ...((failureLogged || (problem && checkedAt - succeededAt >= tooLongMs)) && { failureLogged: true }),
    },
  };
}

/** What the log is told of it. */
export function audit(
  context: AuthContext,
  id: string,
  before: UserSession,
  user: UserSession,
  { problem }: Gathered,
): void {
  const about = { iss: user.iss, sub: user.sub, session: id };
  const [old, roles] = [rolesOf(before, context), rolesOf(user, context)];
  const added = roles.filter((role) => !old.includes(role)).slice(0, 20);
  const removed = old.filter((role) => !roles.includes(role)).slice(0, 20);
  if (added.length + removed.length > 0) context.audit('claims.changed', { ...about, added, removed });
  if (user.recheck?.failureLogged && !before.recheck?.failureLogged) {
    context.audit('session.recheck_failed', { ...about, ...problem });
  }
}

function rolesOf({ provider, roles, claims }: UserSession, context: AuthContext): readonly string[] {
  return roles ?? context.rolesOf(provider, claims);
}
