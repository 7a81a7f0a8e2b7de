import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { languageOf } from '../http/request-language.ts';
import type { Provider, SignInAnswer } from '../provider/index.ts';
import { admit } from '../session/admission.ts';
import { makeRecheckDue } from '../session/by-owner.ts';
import { authOf } from '../session/context.ts';
import { claimsOf, keptClaims, ownerIn } from '../session/kept-claims.ts';
import type { Admission } from '../session/sign-in-hook.ts';
import { signedIn } from '../session/user-session.ts';

/**
 * What `signIn` in site.ts says at a sign-in. Whoever is not let in leaves no refresh token behind at the provider.
 *
 * @param former the session of this browser whose cookie did not come along
 * @throws AuthError as `admit` does
 */
export async function admitAtSignIn(
  req: Request,
  provider: Provider,
  { claims, tokens }: SignInAnswer,
  former: string | undefined,
): Promise<Admission> {
  const { context } = authOf(req);
  if (!context.site.signIn) return {};
  const { iss, sub } = claims;
  const said = claimsOf({ ...ownerIn(claims), ...keptClaims(claims, []) });
  try {
    return await admit(context, {
      provider,
      iss,
      sub,
      claims: said,
      tokens,
      reason: 'sign-in',
      language: languageOf(req),
      log: req.log,
    });
  } catch (error) {
    revokeUnused(req, provider, tokens);
    await doubt(req, error, { iss, sub, former });
    throw error;
  }
}

/**
 * Somebody who is signed in here and has now been refused stays so for one request more: `signIn` is asked again then,
 * as at each recheck, and its word ends that session or not. Whoever was here as somebody else stays.
 */
async function doubt(
  req: Request,
  error: unknown,
  { iss, sub, former }: { iss: string; sub: string; former: string | undefined },
): Promise<void> {
  // The session's cookie does not come along with a form of another site (Lax).
  const id = signedIn(req)?.id ?? former;
  if (id === undefined || !(error instanceof AuthError) || error.reason !== 'not_admitted') return;
  // Where the store does not take that, the recheck comes in its time.
  await makeRecheckDue(authOf(req).context.sessions, id, { iss, sub }).catch(() => {});
}

/** Nobody waits for it. Where a revocation would end the provider's own session as well, the tokens are left to end. */
function revokeUnused(req: Request, provider: Provider, tokens: SignInAnswer['tokens']): void {
  if (provider.revokesLate) return;
  provider.revoke(tokens).catch(({ message, hint }: AuthError) => {
    req.log.warn(
      { reason: message, hint },
      'the refresh token of a sign-in that was refused could not be revoked',
    );
  });
}
