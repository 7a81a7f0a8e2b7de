import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { type AuthContext, authOf, neverCache } from './context.ts';
import { localPath } from './return-path.ts';
import { endedText, failurePage, signedOut } from './texts.ts';

const name = 'signed-out';
const lifetimeSeconds = 300;

/** What ended with a sign-out. It waits, sealed in a cookie, for the browser to come back from the provider. */
interface Farewell {
  state: string;
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
  const returnTo = localPath(req.query.returnTo);
  const signInHref = `/auth/login?returnTo=${encodeURIComponent(returnTo)}`;
  return { ended: [], ...(await whatHappened(req, res)), signInHref, returnTo };
}

type Told = Pick<SignedOutNotice, 'title' | 'text'> & Partial<SignedOutNotice>;

async function whatHappened(req: Request, res: Response): Promise<Told> {
  const { context, formerSession, storeError } = authOf(req);
  if (req.session?.user) return { title: signedOut.stillSignedInTitle, text: [signedOut.stillSignedIn] };
  const farewell = takeFarewell(req, res, context);
  // A sign-out takes the session's cookie along: one that is there is of a later session.
  if (farewell && !formerSession) return goodbye(req, context, farewell);
  // The layout says the rest. It may be that nothing has ended (R14).
  if (storeError !== undefined) return { title: failurePage('store_away').title, text: [] };
  if (!formerSession) return { title: signedOut.title, text: [signedOut.nobody] };
  const reason = (await context.sessions.whyEnded(formerSession)) ?? 'idle';
  const text = [endedText(reason, context)];
  // Where the provider did not end it, its own session may go on.
  if (reason !== 'provider' && reason !== 'account')
    text.push(signedOut.providerStays(context.provider.host));
  return { title: signedOut.endedTitle, text };
}

function goodbye(req: Request, context: AuthContext, { state, sentToProvider }: Farewell): Told {
  const { host } = context.provider;
  const returned = sentToProvider && req.query.state === state;
  if (sentToProvider && !returned) {
    req.log?.warn('the state that came back from the provider after a sign-out is wrong or missing');
  }
  const text = [endedText('signed-out', context)];
  if (!returned) text.push(signedOut.providerStays(host));
  const atProvider = returned ? 'ended' : sentToProvider ? 'unknown' : 'still-there';
  return {
    title: signedOut.title,
    text,
    ended: [
      { what: signedOut.thisApp, how: 'ended' },
      { what: signedOut.tokens, how: 'ended' },
      { what: signedOut.provider(host), how: atProvider },
    ],
  };
}

function takeFarewell(req: Request, res: Response, context: AuthContext): Farewell | undefined {
  const value = context.cookies.read(req, (plain) => plain === name).get(name);
  if (value === undefined) return undefined;
  context.cookies.clear(res, name);
  const opened = context.sealer('signed-out').open(Buffer.from(value, 'base64url'), name);
  return opened && JSON.parse(opened.toString());
}
