import type { Request, Response } from 'express';
import { authOf, neverCache } from './context.ts';
import { issuersOf, LogoutTokenError, verifyLogoutToken } from './logout-token.ts';
import { queryOf } from './parameters.ts';

// The provider ends sessions here: by a call of its own, or through a frame in the user's browser.

/**
 * Back-channel logout 1.0: exactly 200 for a good token, also when no session is known by it; exactly 400 for a bad
 * one and for one that could not be carried out (§2.8). Never anything else, so that the provider knows.
 */
export const backChannelLogout = [endByLogoutToken, refuseBody];

async function endByLogoutToken(req: Request, res: Response): Promise<void> {
  const { sessions, provider } = authOf(req).context;
  try {
    const { iss, sub, sid, jti, exp } = await verifyLogoutToken(oneLogoutToken(req), provider);
    const rememberSeconds = Math.max(
      1,
      exp - Math.floor(Date.now() / 1000) + provider.settings.clockToleranceSeconds,
    );
    const first = await sessions.firstUse(`logout ${iss} ${jti}`, rememberSeconds);
    if (!first) throw new LogoutTokenError('its jti was seen before');
    await sessions.endOwner({ iss, ...(sub && { sub }), ...(sid && { sid }) }, 'provider');
    neverCache(res);
    res.status(200).end();
  } catch (error) {
    const known = error instanceof LogoutTokenError;
    refuse(req, res, known ? error.message : `not carried out: ${(error as Error).message}`);
  }
}

/** What cannot even be read as a form: too large, of an unknown charset, not packed as it says. */
function refuseBody(error: Error, req: Request, res: Response, _next: unknown): void {
  refuse(req, res, `the body cannot be read: ${error.message}`);
}

function refuse(req: Request, res: Response, reason: string): void {
  const { audit, provider } = authOf(req).context;
  audit('logout_token.refused', { iss: provider.settings.issuer, reason }, req);
  neverCache(res);
  res.status(400).json({ error: 'invalid_request' });
}

/**
 * Front-channel logout 1.0: the provider loads this in a frame, where our Lax cookie is not sent, so it works by
 * (iss, sid) alone. An unknown sid gets the same answer as a known one. Best effort: the browser decides whether the
 * frame loads at all.
 */
export async function frontChannelLogout(req: Request, res: Response): Promise<void> {
  const { context } = authOf(req);
  neverCache(res);
  const query = queryOf(req);
  const [iss, sid] = [query.getAll('iss'), query.getAll('sid')];
  const known = issuersOf(context.provider).find((issuer) => issuer === iss[0]);
  const both = iss.length === 1 && sid.length === 1 && known && sid[0];
  const neither = iss.length === 0 && sid.length === 0;
  if (both) await context.sessions.endOwner({ iss: known, sid: both }, 'provider');
  res
    .status(both || neither ? 200 : 400)
    .type('html')
    .send('<!doctype html><title>Signed out</title>');
}

function oneLogoutToken(req: Request): string {
  const body: unknown = req.body;
  if (typeof body !== 'string') throw new LogoutTokenError('the body is no form');
  const tokens = new URLSearchParams(body).getAll('logout_token');
  if (tokens.length !== 1 || !tokens[0])
    throw new LogoutTokenError(`${tokens.length} logout_token fields instead of one`);
  return tokens[0];
}
