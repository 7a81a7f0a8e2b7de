import type { EndReason } from '../sessions/index.ts';

/** Why a session ended, said to the person it belonged to. `idleMinutes` and `maxHours` are the limits in force. */
export function endedText(reason: EndReason, limits: { idleMinutes: number; maxHours: number }): string {
  const texts: Record<EndReason, string> = {
    'signed-out': 'You signed out.',
    idle: `Your session is no longer there. Sessions end when they are not used for ${minutes(limits.idleMinutes)}.`,
    expired: `Your session reached its limit: ${hours(limits.maxHours)} after signing in, it ends.`,
    'other-device': 'Your session was ended from another browser or device of yours.',
    provider: 'The sign-in service ended your session.',
    operator: 'The people who run this site ended your session.',
    account: 'The sign-in service no longer vouches for your account, so your session ended.',
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
