import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { failurePage } from '../errors/failure-pages.ts';
import type { Text, Words } from '../errors/texts.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { localPath } from '../http/return-path.ts';
import { type AuthContext, authOf } from '../session/context.ts';
import { signedIn } from '../session/user-session.ts';
import { whyEnded } from '../session/why-ended.ts';

const name = 'signed-out';
const lifetimeSeconds = 300;

/** What ended with a sign-out. It waits, sealed in a cookie, for the browser to come back from the provider. */
interface Farewell {
  /** The name of the provider of the session that ended. */
  provider: string;
  state: string;
  /** The browser was sent to the provider to end its session there. */
  sentToProvider: boolean;
  /** Some providers give no state back; then nobody can tell who came back from there. */
  stateReturns: boolean;
  /** How many other sessions of the user ended with it, if any did. */
  others?: number;
  /** The provider has revoked the refresh token. */
  revoked?: boolean;
}

type Outcome = 'ended' | 'still-there' | 'unknown';

/** What /signed-out says. */
export interface SignedOutNotice {
  /** Which picture goes with it. */
  kind: 'success' | 'access' | 'error';
  title: Words;
  text: Text[];
  /** What ended; `state` says `how` in words. */
  ended: { what: Text; how: Outcome; state: Text }[];
  /** Starts a new sign-in, for the page asked for where there was one. */
  signInHref: string;
  returnTo: string;
}

export function newLogoutState(): string {
  return randomBytes(16).toString('base64url');
}

export function leaveFarewell(res: Response, context: AuthContext, farewell: Farewell): void {
  const sealed = context.sealers.farewell.seal(JSON.stringify(farewell), name);
  context.cookies.set(res, name, sealed.toString('base64url'), lifetimeSeconds);
}

/**
 * Why the session ended and what ended with it, told once: from the sealed cookie or from the store's mark. Undefined
 * for somebody who is signed in and wanted to go somewhere: they were sent there.
 */
export async function takeSignedOutNotice(req: Request, res: Response): Promise<SignedOutNotice | undefined> {
  neverCache(res);
  const returnTo = localPath(req.query.returnTo);
  if (signedIn(req) && req.query.returnTo !== undefined) {
    redirect(res, 303, returnTo);
    return undefined;
  }
  const signInHref = `/auth/login?returnTo=${encodeURIComponent(returnTo)}`;
  return { ended: [], ...(await whatHappened(req, res)), signInHref, returnTo };
}

type Told = Pick<SignedOutNotice, 'kind' | 'title' | 'text'> & Partial<SignedOutNotice>;

async function whatHappened(req: Request, res: Response): Promise<Told> {
  const { context, formerSession, storeError } = authOf(req);
  if (signedIn(req)) {
    const title = { key: 'signed-out.still-signed-in' } as const;
    return { kind: 'success', title, text: [{ key: 'signed-out.to-leave' }] };
  }
  const farewell = takeFarewell(req, res, context);
  // At a provider that ends its session with a revocation, that comes now (see `revocationEndsSession`).
  const provider = context.providers.named(farewell?.provider) ?? context.providers.only;
  const revokedNow =
    farewell && (await provider?.carryOutRevocation(farewell.state, cameBack(req, farewell)));
  // A sign-out takes the session's cookie along: one that is there is of a later session.
  if (farewell && !formerSession) {
    const revoked = farewell.revoked ?? revokedNow ?? false;
    return goodbye(req, { ...farewell, revoked }, provider?.label);
  }
  // The layout says the rest. It may be that nothing has ended (R14).
  if (storeError !== undefined) return { kind: 'error', title: failurePage('store_away').title, text: [] };
  const ended = formerSession === undefined ? undefined : await whyEnded(req);
  if (!ended) return { kind: 'access', title: { key: 'signed-out.not-signed-in' }, text: [] };
  // Where the provider did not end it, its own session may go on.
  const atProvider = /^(provider|provider-session|account)$/.test(ended.reason) ? 'ended' : 'unknown';
  const more = told([ended.text], atProvider, ended.provider);
  return { kind: 'access', title: { key: 'signed-out.ended' }, ...more };
}

function cameBack(req: Request, { state, stateReturns }: Farewell): boolean {
  return stateReturns && req.query.state === state;
}

function goodbye(req: Request, farewell: Farewell, provider: string | undefined): Told {
  const { sentToProvider, stateReturns, others, revoked } = farewell;
  const returned = cameBack(req, farewell);
  if (stateReturns && !returned) {
    req.log?.warn('the state that came back from the provider after a sign-out is wrong or missing');
  }
  const atProvider = returned ? 'ended' : sentToProvider ? 'unknown' : 'still-there';
  const title = { key: 'signed-out.title' } as const;
  return { kind: 'success', title, ...told([], atProvider, provider, { others, revoked }) };
}

/** What became of each thing that a sign-in had begun. */
function told(
  why: Text[],
  atProvider: Outcome,
  provider: string | undefined,
  { others = 0, revoked = false }: { others?: number | undefined; revoked?: boolean | undefined } = {},
) {
  const values = provider === undefined ? {} : { provider };
  const stays: Text[] = atProvider === 'ended' ? [] : [{ key: 'signed-out.provider-stays', values }];
  const ended = (what: Text, how: Outcome, state: Outcome | 'revoked' = how) =>
    ({ what, how, state: { key: `signed-out.how.${state}` } }) as const;
  return {
    text: [...why, ...stays],
    ended: [
      ended({ key: 'signed-out.this-site' }, 'ended'),
      ...(others > 0 ? [ended({ key: 'signed-out.others', values: { count: others } }, 'ended')] : []),
      ended({ key: 'signed-out.access' }, 'ended', revoked ? 'revoked' : 'ended'),
      ended({ key: 'signed-out.at-provider', values }, atProvider),
    ],
  };
}

function takeFarewell(req: Request, res: Response, context: AuthContext): Farewell | undefined {
  const value = context.cookies.read(req, (plain) => plain === name).get(name);
  if (value === undefined) return undefined;
  context.cookies.clear(res, name);
  const opened = context.sealers.farewell.open(Buffer.from(value, 'base64url'), name);
  return opened && JSON.parse(opened.toString());
}
