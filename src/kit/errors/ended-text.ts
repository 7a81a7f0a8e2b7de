import type { EndReason } from './end-reasons.ts';

/**
 * Why a session ended, said to the person it belonged to.
 *
 * @param limits those in force, and where people sign in
 */
export function endedText(
  reason: EndReason,
  limits: { idleMinutes: number; maxHours: number; provider: { host: string } },
): string {
  const texts: Record<EndReason, string> = {
    'signed-out': 'You signed out.',
    idle: `Your session is no longer there. Sessions end when they are not used for ${minutes(limits.idleMinutes)}.`,
    expired: `Your session reached its limit: ${hours(limits.maxHours)} after signing in, it ends.`,
    'other-device': 'Your session was ended from another browser or device of yours.',
    provider: 'The sign-in service ended your session.',
    operator: 'The people who run this site ended your session.',
    account: 'The sign-in service no longer accepts this account, so we signed you out.',
    'provider-session': `Your sign-in at ${limits.provider.host} has ended, so we signed you out here too.`,
    'not-renewed': 'The sign-in service did not renew your sign-in, so we signed you out.',
    replaced: 'A newer sign-in in this browser took the place of your session.',
  };
  return texts[reason];
}

function minutes(count: number): string {
  return count === 1 ? 'a minute' : `${count} minutes`;
}

function hours(count: number): string {
  return count === 1 ? 'an hour' : `${count} hours`;
}
