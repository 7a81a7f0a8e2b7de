import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { type AuthContext, authOf, neverCache } from './context.ts';
import { localPath } from './return-path.ts';
import { endedText, signedOut } from './texts.ts';

const name = 'signed-out';
const lifetimeSeconds = 300;

/** What ended with a sign-out. It waits, sealed in a cookie, for the browser to come back from the provider. */
interface Farewell {
  state: string;
  tokensRevoked: boolean;
  /** The browser was sent to the provider to end its session there. */
  sentToProvider: boolean;
}

/** What /signed-out says. */
export interface SignedOutNotice {
  title: string;
  text: string[];
  ended: { what: string; how: 'ended' | 'still-there' | 'unknown' }[];
  /** Starts a new sign-in, for the page asked for where there was one. */
  signInHref: string;
  returnTo: string;
}

export function newLogoutState(): string {
  return randomBytes(16).toString('base64url');
}

export function leaveFarewell(res: Response, context: AuthContext, farewell: Farewell): void {
  const sealed = context.sealer('signed-out').seal(JSON.stringify(farewell), name);
  context.cookies.set(res, name, sealed.toString('base64url'), lifetimeSeconds);
}

/** Why the session ended and what ended with it, told once: from the sealed cookie or from the store's mark. */
export async function takeSignedOutNotice(req: Request, res: Response): Promise<SignedOutNotice> {
  neverCache(res);
  const auth = authOf(req);
  const { context } = auth;
  const returnTo = localPath(req.query.returnTo);
  const signInHref = `/auth/login?returnTo=${encodeURIComponent(returnTo)}`;
  const rest = { signInHref, returnTo };
  if (req.session?.user)
    return { title: signedOut.stillSignedInTitle, text: [signedOut.stillSignedIn], ended: [], ...rest };
  const farewell = takeFarewell(req, res, context);
  if (farewell)
    return {
      title: signedOut.title,
      text: [endedText('signed-out', context)],
      ended: whatEnded(req, context, farewell),
      ...rest,
    };
  if (!auth.formerSession) return { title: signedOut.title, text: [signedOut.nobody], ended: [], ...rest };
  const reason = (await context.sessions.whyEnded(auth.formerSession)) ?? 'idle';
  const host = context.provider.host;
  const providerEnded = reason === 'provider' || reason === 'account';
  return {
    title: signedOut.endedTitle,
    text: [endedText(reason, context), ...(providerEnded ? [] : [signedOut.providerStays(host)])],
    ended: [],
    ...rest,
  };
}

function whatEnded(req: Request, context: AuthContext, farewell: Farewell): SignedOutNotice['ended'] {
  const { host } = context.provider;
  const returned = farewell.sentToProvider && req.query.state === farewell.state;
  if (farewell.sentToProvider && !returned) {
    req.log?.warn('the state that came back from the provider after a sign-out is wrong or missing');
  }
  return [
    { what: signedOut.thisApp, how: 'ended' },
    { what: signedOut.tokens, how: 'ended' },
    returned
      ? { what: signedOut.provider(host), how: 'ended' }
      : { what: signedOut.providerStays(host), how: farewell.sentToProvider ? 'unknown' : 'still-there' },
  ];
}

function takeFarewell(req: Request, res: Response, context: AuthContext): Farewell | undefined {
  const value = context.cookies.read(req, (plain) => plain === name).get(name);
  if (value === undefined) return undefined;
  context.cookies.clear(res, name);
  const opened = context.sealer('signed-out').open(Buffer.from(value, 'base64url'), name);
  return opened && JSON.parse(opened.toString());
}
