import type { Request, Response } from 'express';
import { neverCache } from '../http/answers.ts';
import { queryOf } from '../http/parameters.ts';
import type { Provider } from '../provider/index.ts';
import { issuersOf, LogoutTokenError, verifyLogoutToken } from '../provider/logout-token.ts';
import { authOf, demandStore } from '../session/context.ts';
import { signedIn } from '../session/user-session.ts';

// The provider ends sessions here: by a call of its own, or through a frame in the user's browser.

/**
 * Back-channel logout 1.0: exactly 200 for a good token, also when no session is known by it; exactly 400 for a bad
 * one and for one that could not be carried out (§2.8). Never anything else, so that the provider knows.
 */
export const backChannelLogout = [endByLogoutToken, refuseBody];

async function endByLogoutToken(req: Request, res: Response): Promise<void> {
  const { sessions, provider } = authOf(req).context;
  try {
    const { iss, sub, sid, jti, until } = await verifyLogoutToken(oneLogoutToken(req), provider);
    const name = `logout ${iss} ${jti}`;
    // A copy that comes later must not end the sessions of a later sign-in.
    if (await sessions.wasUsed(name)) throw new LogoutTokenError('its jti was seen before');
    await sessions.endOwner({ iss, ...(sub && { sub }), ...(sid && { sid }) }, 'provider');
    // Only now: where a store fault cut the ending short, the provider may send the token again (R14). Of two copies
    // that come at once, both end the same sessions, and one is answered as a copy.
    const rememberSeconds = Math.max(1, until - Math.floor(Date.now() / 1000));
    const first = await sessions.firstUse(name, rememberSeconds);
    if (!first) throw new LogoutTokenError('its jti was seen before');
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
  logRefusal(req, 'back', reason);
  neverCache(res);
  res.status(400).json({ error: 'invalid_request' });
}

function logRefusal(req: Request, channel: 'back' | 'front', reason: string): void {
  const { audit, provider } = authOf(req).context;
  audit('logout_token.refused', { iss: provider.settings.issuer, channel, reason }, req);
}

/**
 * Front-channel logout 1.0: the provider loads this in a frame, where our Lax cookie is not sent, so it works by
 * (iss, sid) alone. An unknown sid gets the same answer as a known one. Best effort: the browser decides whether the
 * frame loads at all.
 */
export async function frontChannelLogout(req: Request, res: Response): Promise<void> {
  const { sessions, provider } = authOf(req).context;
  neverCache(res);
  const meant = whoIsMeant(req, provider);
  if (meant.refused !== undefined) logRefusal(req, 'front', meant.refused);
  for (const owner of meant.owners ?? []) await sessions.endOwner(owner, 'provider');
  // The cookie stays: by it, /signed-out tells the person why the session ended.
  const own = meant.ownSession && demandStore(req) ? signedIn(req) : undefined;
  if (own) await sessions.end(own.id, 'provider');
  res
    .status(meant.refused === undefined ? 200 : 400)
    .type('html')
    .send('<!doctype html><title>Signed out</title>');
}

interface Meant {
  owners?: { iss: string; sid: string }[];
  /** The session of this request's own cookie. */
  ownSession?: boolean;
  refused?: string;
}

function whoIsMeant(req: Request, provider: Provider): Meant {
  // A link or a redirect of another page must sign nobody out. Browsers without these headers are taken at their word.
  if (req.get('Sec-Fetch-Dest') === 'document') return { refused: 'it was not loaded in a frame' };
  const query = queryOf(req);
  if (query.getAll('iss').length > 1 || query.getAll('sid').length > 1)
    return { refused: 'iss or sid comes twice' };
  const [iss, sid] = [query.get('iss'), query.get('sid')];
  const issuers = issuersOf(provider);
  if (iss === null && sid === null) {
    return isOwnFrame(req) ? { ownSession: true } : { refused: `neither iss nor sid. ${registerForBoth}` };
  }
  if (!sid) return { refused: `no sid. ${registerForBoth}` };
  if (iss === null) {
    const owners = issuers.map((each) => ({ iss: each, sid }));
    return provider.sendsSidAlone ? { owners } : { refused: `no iss. ${registerForBoth}` };
  }
  return issuers.includes(iss) ? { owners: [{ iss, sid }] } : { refused: 'iss is not that of our provider' };
}

const registerForBoth =
  "Have the provider send iss and sid: frontchannel_logout_session_required in this app's registration there";

/** In a frame of our own site the cookie comes along (a provider on a sibling name), and only there. */
function isOwnFrame(req: Request): boolean {
  const [dest = '', site = ''] = [req.get('Sec-Fetch-Dest'), req.get('Sec-Fetch-Site')];
  return /^i?frame$/.test(dest) && /^same-(site|origin)$/.test(site);
}

function oneLogoutToken(req: Request): string {
  const body: unknown = req.body;
  if (typeof body !== 'string') throw new LogoutTokenError('the body is no form');
  const tokens = new URLSearchParams(body).getAll('logout_token');
  if (tokens.length !== 1 || !tokens[0])
    throw new LogoutTokenError(`${tokens.length} logout_token fields instead of one`);
  return tokens[0];
}
