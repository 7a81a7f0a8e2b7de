import type { Request } from 'express';
import { loggedCauses } from '../errors/error-cause.ts';
import { authOf } from './context.ts';
import type { PlaceContext, PlaceHook } from './sign-in-hook.ts';
import { within } from './within.ts';

/** Somebody waits for their sign-in meanwhile. */
const patienceMs = 1_000;
const mostCharacters = 80;

/**
 * The rough place of a sign-in, as `place` in site.ts says. It helps people to recognise their sessions and decides
 * nothing, so a failure costs nobody their sign-in.
 */
export async function placeOf(req: Request): Promise<string | undefined> {
  const { place, data, settings } = authOf(req).context.site;
  if (!place) return undefined;
  const at: PlaceContext = { req, data, settings, log: req.log };
  try {
    const given = await within(patienceMs, async () => place(at as Parameters<PlaceHook>[0]));
    if (given === undefined) return undefined;
    if (typeof given !== 'string') throw new TypeError('it must return text, or undefined');
    return plain(given);
  } catch (error) {
    const hint = 'fix `place` in site.ts: the cause says what failed';
    req.log.warn({ hint, causes: loggedCauses(error) }, 'a session is kept without a place');
    return undefined;
  }
}

/**
 * One short line. Characters that turn the direction of what follows would reach beyond it, and a header may hold
 * anything. Undefined where nothing is left that could be seen.
 */
function plain(text: string): string | undefined {
  // The length comes first: only a bounded text is looked through (R23).
  const line = text
    .slice(0, 10 * mostCharacters)
    .toWellFormed()
    .replace(/[\s\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
  const cut = [...line].slice(0, mostCharacters).join('').trim();
  return /^[\s\p{Default_Ignorable_Code_Point}]*$/u.test(cut) ? undefined : cut;
}
