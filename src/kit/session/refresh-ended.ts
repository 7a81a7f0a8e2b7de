import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { endedText } from '../errors/ended-text.ts';
import { failurePage } from '../errors/failure-pages.ts';
import { RefreshError } from '../provider/index.ts';
import type { AuthContext } from './context.ts';
import { endUserSession, providerOf } from './user-session.ts';
import { pageOf } from './way-back.ts';

/**
 * The error of a refresh for one of those who waited for it: its page leads back to where each of them was. Ends the
 * session where the provider's answer says so.
 */
export async function forPerson(req: Request, context: AuthContext, error: unknown): Promise<unknown> {
  if (!(error instanceof AuthError)) return error;
  const { reason, cause, hint, retryAfter } = error;
  const provider = providerOf(req)?.label ?? error.provider;
  const ends = error instanceof RefreshError ? error.ends : undefined;
  const page = { ...failurePage(reason) };
  if (ends) {
    page.text = [endedText(ends, context, provider)];
    if (req.res) await endUserSession(req, req.res, ends);
  } else if (error.status === 503) {
    page.action = { label: { key: 'button.try-again' }, href: pageOf(req) };
  }
  return new AuthError(reason, { cause, hint, retryAfter, page, provider });
}
