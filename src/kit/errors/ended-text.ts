import type { EndReason } from './end-reasons.ts';
import type { Text } from './texts.ts';

/**
 * Why a session ended, said to the person it belonged to.
 *
 * @param limits those in force, and where people sign in
 */
export function endedText(
  reason: EndReason,
  limits: { idleMinutes: number; maxHours: number; provider: { host: string } },
): Text {
  switch (reason) {
    case 'idle':
      return { key: 'ended.idle', values: { count: limits.idleMinutes } };
    case 'expired':
      return { key: 'ended.expired', values: { count: limits.maxHours } };
    case 'provider-session':
      return { key: 'ended.provider-session', values: { provider: limits.provider.host } };
    default:
      return { key: `ended.${reason}` };
  }
}
