import type { Request, Response } from 'express';
import { redirect } from '../http/answers.ts';
import { otherName, sameAtBaseUrl, wasLedHere } from '../http/other-host.ts';
import { requestKind } from '../http/request-kind.ts';
import { type AuthContext, authOf } from '../session/context.ts';
import { signedIn } from '../session/user-session.ts';

/** For each name once, and for no more than these: anybody can send a name. */
const mostNames = 5;
const longestName = 253;
const warned = new WeakMap<AuthContext, Set<string>>();

/**
 * Leads a person who is to sign in, and came by another name of this host, to the same address at BASE_URL: once. Whose
 * name is another there too is behind a proxy that does not pass it on, and the sign-in goes on.
 *
 * @param instead where to, for an address that cannot be repeated
 * @returns whether the request is answered
 */
export function ledToBaseUrl(req: Request, res: Response, instead: string): boolean {
  const { context } = authOf(req);
  // The answer of a provider came to where it was to come.
  const isAnswer = /^\/auth\/(?!login\b)/i.test(req.originalUrl);
  if (signedIn(req) || isAnswer || requestKind(req) !== 'page') return false;
  const name = otherName(req, context.baseUrl);
  if (name === undefined) return false;
  if (!wasLedHere(req)) {
    redirect(res, 302, sameAtBaseUrl(req, context.baseUrl, instead));
    return true;
  }
  warn(context, name.slice(0, longestName));
  return false;
}

function warn(context: AuthContext, host: string): void {
  const names = warned.get(context) ?? new Set();
  warned.set(context, names);
  if (names.has(host) || names.size >= mostNames) return;
  names.add(host);
  context.log.warn({ host, hint }, 'requests come by another name than BASE_URL');
}

const hint =
  'the proxy in front does not pass on the Host that the browser sent, so each sign-in takes one more redirect: have it send Host or X-Forwarded-Host (nginx: proxy_set_header Host $host), or correct BASE_URL';
