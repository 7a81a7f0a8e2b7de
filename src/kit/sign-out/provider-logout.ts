import type { Request, Response } from 'express';
import { neverCache } from '../http/answers.ts';
import { queryOf } from '../http/parameters.ts';
import { overLimit } from '../http/rate-limits.ts';
import { said } from '../provider/hint-text.ts';
import { type Provider, unverifiedClaims } from '../provider/index.ts';
import { listedIssuers } from '../provider/issuers.ts';
import { LogoutTokenError, openLogoutToken, verifyLogoutToken } from '../provider/logout-token.ts';
import type { Providers } from '../provider/providers.ts';
import { authOf, demandStore } from '../session/context.ts';
import { signedIn } from '../session/user-session.ts';

// The provider ends sessions here: by a call of its own, or through a frame in the user's browser.

/**
 * Back-channel logout 1.0: exactly 200 for a good token, also when no session is known by it; exactly 400 for a bad
 * one and for one that could not be carried out (§2.8). Never anything else, so that the provider knows.
 */
export const backChannelLogout = [endByLogoutToken, refuseBody];

async function endByLogoutToken(req: Request, res: Response): Promise<void> {
  const { sessions, providers } = authOf(req).context;
  let provider: Provider | undefined;
  try {
    const { token, encryptedFor } = await openLogoutToken(oneLogoutToken(req), providers);
    // Which provider's keys and rules count is all that is taken from it before it is verified.
    const { iss: claimed } = unverifiedClaims(token);
    const named = typeof claimed === 'string' ? providers.ofIssuer(claimed) : undefined;
    provider = named ?? providers.only;
    if (!provider) throw new LogoutTokenError('its "iss" is not that of a provider of ours');
    if (encryptedFor && encryptedFor !== provider)
      throw new LogoutTokenError('it was encrypted for another provider');
    const { iss, sub, sid, jti, until } = await verifyLogoutToken(token, provider, named && String(claimed));
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
    const known = error instanceof LogoutTokenError ? error : undefined;
    const reason = known?.message ?? `not carried out: ${(error as Error).message}`;
    refuse(req, res, reason, provider ?? known?.from);
  }
}

/** What cannot even be read as a form: too large, of an unknown charset, not packed as it says. */
function refuseBody(error: Error, req: Request, res: Response, _next: unknown): void {
  refuse(req, res, `the body cannot be read: ${said(error.message, 120)}`);
}

function refuse(req: Request, res: Response, reason: string, provider?: Provider): void {
  logRefusal(req, 'back', reason, provider);
  neverCache(res);
  res.status(400).json({ error: 'invalid_request' });
}

/** @param from the one that it says it is from; where there is only one, that is whose fault it is */
function logRefusal(req: Request, channel: 'back' | 'front', reason: string, from?: Provider): void {
  const { audit, providers } = authOf(req).context;
  const iss = (from ?? providers.only)?.settings.issuer;
  audit('logout_token.refused', { iss, channel, reason }, req);
}

/**
 * Front-channel logout 1.0: the provider loads this in a frame, where our Lax cookie is not sent, so it works by
 * (iss, sid) alone. An unknown sid gets the same answer as a known one. Best effort: the browser decides whether the
 * frame loads at all.
 *
 * Any page can load it in the browser of anybody, too. Where an address has sent too many, the sessions that are meant
 * still end; only a sign-in by this sid that is under way is not stopped any more.
 */
export async function frontChannelLogout(req: Request, res: Response): Promise<void> {
  const { sessions, providers } = authOf(req).context;
  neverCache(res);
  const meant = whoIsMeant(req, providers);
  const tooMany = overLimit(req);
  if (meant.refused !== undefined) {
    if (tooMany) throw tooMany;
    logRefusal(req, 'front', meant.refused);
  }
  for (const owner of meant.owners ?? []) {
    // An ending is written for any sid, and anybody can make up sids. One that somebody is signed in by is none of those.
    if (!tooMany || (await sessions.isSignedIn(owner))) await sessions.endOwner(owner, 'provider');
  }
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

function whoIsMeant(req: Request, providers: Providers): Meant {
  // A link or a redirect of another page must sign nobody out. Browsers without these headers are taken at their word.
  if (req.get('Sec-Fetch-Dest') === 'document') return { refused: 'it was not loaded in a frame' };
  const query = queryOf(req);
  if (query.getAll('iss').length > 1 || query.getAll('sid').length > 1)
    return { refused: 'iss or sid comes twice' };
  const [iss, sid] = [query.get('iss'), query.get('sid')];
  if (iss === null && sid === null) {
    return isOwnFrame(req) ? { ownSession: true } : { refused: `neither iss nor sid. ${registerForBoth}` };
  }
  if (!sid) return { refused: `no sid. ${registerForBoth}` };
  if (iss === null) return withoutIssuer(sid, providers);
  return providers.ofIssuer(iss)
    ? { owners: [{ iss, sid }] }
    : { refused: 'iss is not that of a provider of ours' };
}

/** Taken where exactly one provider is known to send it so: with two, nobody could say whose session it names. */
function withoutIssuer(sid: string, { all }: Providers): Meant {
  const [provider, ...others] = all.filter(({ sendsSidAlone }) => sendsSidAlone);
  if (!provider || others.length > 0) return { refused: `no iss. ${registerForBoth}` };
  const owners = listedIssuers(provider.settings).map((iss) => ({ iss, sid }));
  return owners.length > 0 ? { owners } : { refused: 'no iss, and OIDC_ALLOWED_TENANTS names no tenant' };
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
  if (typeof body !== 'string') throw new LogoutTokenError('the body is not a form');
  const tokens = new URLSearchParams(body).getAll('logout_token');
  if (tokens.length !== 1 || !tokens[0])
    throw new LogoutTokenError(`${tokens.length} logout_token fields instead of one`);
  return tokens[0];
}
