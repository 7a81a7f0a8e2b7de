import type { EndReason } from './end-reasons.ts';
import type { Text } from './texts.ts';

/**
 * Why a session ended, said to the person it belonged to.
 *
 * @param limits those in force
 * @param provider what people call the one that they signed in at, where that is known
 */
export function endedText(
  reason: EndReason,
  limits: { idleMinutes: number; maxHours: number },
  provider: string | undefined,
): Text {
  switch (reason) {
    case 'idle':
      return { key: 'ended.idle', values: { count: limits.idleMinutes } };
    case 'expired':
      return { key: 'ended.expired', values: { count: limits.maxHours } };
    default:
      return { key: `ended.${reason}`, ...(provider !== undefined && { values: { provider } }) };
  }
}
