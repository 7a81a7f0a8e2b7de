import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { apiNamed, withoutEcho } from '../provider/index.ts';
import { demandStore } from '../session/context.ts';
import type { ApiName } from '../session/register.ts';
import { signedIn } from '../session/user-session.ts';
import { demandAccepted } from './call-api.ts';
import { currentToken } from './current-token.ts';
import { tokenFor, wantedBy } from './wanted.ts';

/**
 * An access token of this request's user that does not end at once. Where the provider does not give a new one, the old
 * one is used to its end.
 *
 * @param api the API that it is for, as `apis` in site.ts has it; left out, the access token of the sign-in
 * @throws AuthError `invalid_grant` or `session_over` (401) when the provider will not refresh it: the session has then ended;
 *   `sign_in_again` (401) when only a new sign-in helps; `api_token_refused` (503) when the provider gives none for this
 *   API; `provider_unreachable` or `client_refused` (503) when there is no answer, or none for this app: nothing has ended
 */
export async function getAccessToken(req: Request, api?: ApiName): Promise<string> {
  if (api !== undefined) {
    const { own } = demandAccepted(req, api);
    return (await currentToken(req, own, wantedBy(demandStore(req).context.apis, api))).access_token;
  }
  const own = signedIn(req);
  demandStore(req);
  if (!own) throw new AuthError('sign_in_first');
  return (await currentToken(req, own, undefined)).access_token;
}

/**
 * When the access token ends and when it was last refreshed. Loads it, refreshes nothing.
 *
 * @param api the API that it is for, as `apis` in site.ts has it; left out, the access token of the sign-in
 */
export async function tokenState(
  req: Request,
  api?: ApiName,
): Promise<{ expiresAt?: Date; refreshedAt?: Date }> {
  const { context } = demandStore(req);
  if (api !== undefined) apiNamed(context.apis, api);
  const own = signedIn(req);
  const record = own && (await context.sessions.tokens.read(own.id));
  if (!record) return {};
  const wanted = wantedBy(context.apis, api);
  const token = tokenFor(record, wanted);
  const refreshed = wanted ? token?.obtained_at : record.refreshed_at;
  return {
    ...(token?.expires_at !== undefined && { expiresAt: new Date(token.expires_at) }),
    ...(refreshed !== undefined && { refreshedAt: new Date(refreshed) }),
  };
}

/**
 * A text without what it has in common with the user's access tokens. For pages that print what an API said: it was
 * sent the token, and may send it back (R20).
 */
export async function withoutToken(req: Request, text: string): Promise<string> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  const record = own && (await context.sessions.tokens.read(own.id));
  if (!record) return text;
  const ofApis = Object.values(record.apis ?? {}).flatMap(({ token }) => token?.access_token ?? []);
  return withoutEcho(text, [record.access_token, ...ofApis]);
}
