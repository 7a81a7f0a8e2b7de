import type { AccessToken } from '../store/index.ts';

/** A token is refreshed when a quarter of its life is left, and never earlier than this. */
const longestMarginMs = 30_000;
/** With less than this left it may run out on its way: as good as expired. */
const transitMs = 1_000;
/** An API that refused a token is not believed again so soon: an API that refuses each new token has another reason. */
const youngMs = 60_000;

/** A token that is due for a refresh. One without an end is used until an API refuses it. */
export function isEnding({ expires_at, obtained_at }: AccessToken): boolean {
  if (expires_at === undefined) return false;
  const quarter = (expires_at - (obtained_at ?? Number.NEGATIVE_INFINITY)) / 4;
  return expires_at - Date.now() <= Math.max(transitMs, Math.min(longestMarginMs, quarter));
}

export function isUsable({ expires_at = Number.POSITIVE_INFINITY }: AccessToken): boolean {
  return expires_at - Date.now() > transitMs;
}

export function isYoung({ obtained_at = 0 }: AccessToken): boolean {
  return isRecent(obtained_at);
}

/** @param at epoch milliseconds */
export function isRecent(at: number): boolean {
  return Date.now() - at < youngMs;
}
