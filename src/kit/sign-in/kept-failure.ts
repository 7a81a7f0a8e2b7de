import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { failurePage } from '../errors/failure-pages.ts';
import { isKitText, say } from '../errors/language.ts';
import type { Message } from '../errors/message.ts';
import type { SignInFailure } from '../errors/reasons.ts';
import { isOurName } from '../http/cookies.ts';
import { isNavigation } from '../http/navigation.ts';
import { languageOf } from '../http/request-language.ts';
import type { Provider } from '../provider/index.ts';
import { authOf, demandStore } from '../session/context.ts';
import { failureNote, keepNote, noteNamed } from '../session/said.ts';
import { signedIn } from '../session/user-session.ts';
import type { Answer } from './answer.ts';
import { isSignInFailure, pageWithNewStart, storeAwayAtSignIn, withNewStart } from './login.ts';

// Why a sign-in failed waits for a reload of its page: the answer is used up, so a second look at it would only find that
// it is. No more is kept than the reason and what the page was made of.

const lifetimeSeconds = 600;
/** As JSON: it shares its cookie with what is said after forms. */
const mostBytes = 500;

interface Kept {
  reason: SignInFailure;
  /** Of the answer. Nothing of it can be read from this. */
  digest: string;
  /** The request that failed. Its log line has the cause. */
  requestId: string;
  /** When it failed; in milliseconds. */
  at: number;
  provider?: string | undefined;
  withoutCookies?: boolean | undefined;
  setUp?: boolean | undefined;
  returnTo?: string | undefined;
  /** The words of `refuse()` in site.ts, and who was refused. */
  why?: string | undefined;
  who?: string | undefined;
}

/**
 * The failure of an answer as it is thrown on: audited, with its page, and kept for a reload there or at the callback's
 * address without a query. Of what is no failure of the sign-in, such as a store that is away, nothing is kept: there a
 * reload tries once more.
 */
export function keepFailure(
  req: Request,
  res: Response,
  thrown: unknown,
  { answer, returnTo, provider }: { answer: Answer; returnTo: string; provider: Provider | undefined },
): unknown {
  const seen = thrown instanceof AuthError && thrown.shownFirst !== undefined;
  const error = seen ? thrown : withNewStart(req, thrown, { returnTo, provider });
  if (!(error instanceof AuthError) || !isSignInFailure(error.reason))
    return storeAwayAtSignIn(req, error, { returnTo, provider });
  error.page = { ...error.page, address: answer.provider?.callbackPath ?? '/auth/callback' };
  if (seen || !isNavigation(req)) return error;
  const kept: Kept = {
    ...{ reason: error.reason, digest: digestOf(answer), requestId: String(req.id), at: Date.now() },
    ...{ provider: provider?.name, returnTo },
    ...(isStrangers(error.reason) && bringsNoCookie(req) && { withoutCookies: true }),
    ...(error.setUp && { setUp: true }),
    ...(error.reason === 'not_admitted' && { why: ownWords(req, error.page), who: error.about?.name }),
  };
  // Without a long path the button leads home, and without long words of the site's the page has the kit's.
  for (const long of ['who', 'returnTo', 'why'] as const) {
    if (Buffer.byteLength(packed(kept)) > mostBytes) delete kept[long];
  }
  keepNote(req, res, failureNote, packed(kept), lifetimeSeconds);
  return error;
}

/**
 * Shows the failure that was kept, where this is the same answer once more or the callback's address without one. Whoever
 * has signed in since is led to a page instead (R4); somebody who was signed in all along, as at a step-up, sees it only
 * at the clean address.
 *
 * @throws AuthError that failure
 */
export function showAgain(req: Request, answer: Answer): void {
  const note = isNavigation(req) ? noteNamed(req, failureNote) : undefined;
  if (note === undefined) return;
  demandStore(req);
  const kept = unpacked(note);
  const own = signedIn(req);
  const isBare = answer.parameters.size === 0;
  if (own && (!isBare || own.user.signedInAt > kept.at)) return;
  if (!isBare && !answer.clean && kept.digest !== digestOf(answer)) return;
  throw fromKept(req, kept);
}

function fromKept(req: Request, { reason, requestId, returnTo = '/', provider, ...kept }: Kept): AuthError {
  const { why, who, setUp, withoutCookies = false } = kept;
  const error = new AuthError(reason, {
    setUp,
    page: {
      ...(isStrangers(reason) && strangersPage(reason, withoutCookies)),
      ...(why !== undefined && { text: [why] }),
    },
    ...(who !== undefined && { about: { iss: '', sub: '', name: who } }),
  });
  error.shownFirst = requestId;
  return pageWithNewStart(req, error, {
    returnTo,
    provider: authOf(req).context.providers.named(provider),
  });
}

/** The page about an answer to no sign-in that this browser knows. It has one button, which starts again. */
export function strangersPage(reason: SignInFailure, withoutCookies: boolean): Partial<Message> {
  const { title, text } = failurePage(reason);
  // Nobody can tell then whether it was used before.
  return { title, text: withoutCookies ? [{ key: 'error.cookies-blocked' }] : text, other: undefined };
}

/** Whether the browser sent no cookie of ours at all: it blocks them, or has none any more. */
export function bringsNoCookie(req: Request): boolean {
  return authOf(req).context.cookies.read(req, isOurName).size === 0;
}

function isStrangers(reason: string): boolean {
  return reason === 'state_unknown' || reason === 'state_missing';
}

/** In one language: several would not fit beside each other. */
function ownWords(req: Request, { text: [first] }: Message): string | undefined {
  return first === undefined || isKitText(first) ? undefined : say(first, languageOf(req));
}

/** Without the names, which every request would carry for ten minutes. */
function packed({ reason, digest, requestId, at, provider, withoutCookies, setUp, ...long }: Kept): string {
  const { returnTo, why, who } = long;
  const given = [reason, digest, requestId, at, provider, returnTo, withoutCookies, why, who, setUp];
  while (given.at(-1) === undefined) given.pop();
  return JSON.stringify(given);
}

function unpacked(note: string): Kept {
  const given = JSON.parse(note).map((value: unknown) => value ?? undefined);
  const [reason, digest, requestId, at, provider, returnTo, withoutCookies, why, who, setUp] = given;
  return { reason, digest, requestId, at, provider, returnTo, withoutCookies, why, who, setUp };
}

/** At the address of another provider it is another one. */
function digestOf({ parameters, provider }: Answer): string {
  return hash('sha256', `${provider?.name} ${parameters}`, 'base64url').slice(0, 16);
}
