import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Request, Response } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import type { EndReason } from '../errors/end-reasons.ts';
import { neverCache } from '../http/answers.ts';
import { authTimeOf, type Provider, type SignInAnswer } from '../provider/index.ts';
import type { SignInMark } from '../store/index.ts';
import { makeRecheckDue } from './by-owner.ts';
import { type AuthContext, authOf, demandStore } from './context.ts';
import { describeDevice, kindOfDevice } from './device-names.ts';
import { claimsOf, keptClaims, ownerIn } from './kept-claims.ts';
import type { Admission } from './sign-in-hook.ts';
import type { User, UserSession } from './user.ts';

/** A name is printed on every page, whoever chose it. */
const longestName = 200;

/**
 * The signed-in user, or undefined. Ask `requireAuth` before a route that needs one. An answer that is made from it is
 * for this browser only: no cache may keep it, unless its route has said otherwise before (R16).
 */
export function getUser(req: Request): User | undefined {
  const auth = authOf(req);
  if (req.res && !req.res.headersSent && !req.res.hasHeader('Cache-Control')) neverCache(req.res);
  const session = signedIn(req);
  if (!session) return undefined;
  auth.user ??= toUser(session.user, auth.context);
  return auth.user;
}

/**
 * The session of this request if somebody is signed in with it, without having express-session make one. The user is
 * what the store held: whatever a page writes into `req.session.user` counts for nothing (R12).
 */
export function signedIn(req: Request): { id: string; user: UserSession } | undefined {
  const { asked, found } = authOf(req);
  const user = found?.data.user;
  if (!found || !user) return undefined;
  // A page that destroyed its session, let go of it or took another has nobody signed in with it.
  return asked && req.session?.id !== found.id ? undefined : { id: found.id, user };
}

/** The provider that this request's session came from; undefined where nobody is signed in. */
export function providerOf(req: Request): Provider | undefined {
  const own = signedIn(req);
  return own && authOf(req).context.providers.ofSession(own.user);
}

/**
 * Makes the signed-in session: a new id (R5), saved before this resolves (R6), its tokens beside it, entered under
 * its owner. The session that this browser had before ends. Only this function makes a session with a user in it.
 *
 * @param provider the one that it is a session of
 * @param admission what `signIn` in site.ts made of them
 * @param place what `place` in site.ts said
 * @param unseen a session of this browser whose cookie did not come along: it ends too
 * @throws AuthError `ended_meanwhile` when the user's sessions were ended while this sign-in was under way (R15)
 */
export async function startUserSession(
  req: Request,
  provider: Provider,
  answer: SignInAnswer,
  admission: Admission,
  { since, place, unseen }: { since: SignInMark; place?: string | undefined; unseen?: string | undefined },
): Promise<void> {
  const { context } = demandStore(req);
  const { sessions } = context;
  const former = signedIn(req)?.id;
  const user = {
    provider: provider.name,
    ...toSession(req, answer, admission, context),
    ...(place !== undefined && { place }),
  };
  // What `regenerate` does, less the deletion of an id that was never stored.
  req.sessionStore.generate(req);
  req.session.user = user;
  sessions.createOnSave(req.session, answer.tokens);
  const { id } = req.session;
  try {
    await promisify(req.session.save.bind(req.session))();
    const entered = await sessions.enter(id, user, user.expiresAt, since);
    // A former session that somebody ended meanwhile takes this one along; one that another tab replaced does not.
    const replaced = former === undefined || (await sessions.replace(former, id));
    if (entered === 'ended' || !replaced) throw new AuthError('ended_meanwhile');
    if (unseen !== undefined) await sessions.replace(unseen, id);
    if (entered === 'doubted') await makeRecheckDue(sessions, id, user);
    const auth = authOf(req);
    delete auth.user;
    auth.found = { id, data: { cookie: req.session.cookie, user } };
    if (answer.withoutAuthTime) auditWithoutAuthTime(req, user, id);
  } catch (error) {
    // Half a session must not remain: one that is in no index could not be ended by anybody (R15).
    leaveSession(req);
    await sessions.end(id, 'replaced').catch(() => {});
    throw error;
  }
}

/** Ends this request's session with its tokens and index entries, and has the browser forget it. */
export async function endUserSession(req: Request, res: Response, reason: EndReason): Promise<void> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  if (own) {
    const { id, user } = own;
    await context.sessions.end(id, reason);
    // Other reasons are audited where sessions end.
    if (reason === 'signed-out')
      context.audit('sign_out', { iss: user.iss, sub: user.sub, session: id }, req);
  }
  leaveSession(req);
  context.cookies.clear(res, 'session');
}

/** What a person is called, as far as their claims say. */
export function nameIn(claims: Readonly<Record<string, unknown>>, sub: string): string {
  const [name = sub] = ['name', 'preferred_username', 'email'].flatMap((each) => textIn(claims, each) ?? []);
  return name.slice(0, longestName);
}

/** Has the rest of this request go on with another user, as a recheck has stored it. */
export function useUser(req: Request, user: UserSession): void {
  const auth = authOf(req);
  if (!auth.found) return;
  auth.found = { ...auth.found, data: { ...auth.found.data, user } };
  delete auth.user;
}

/** This request's session has ended meanwhile: nobody is signed in with it, and it is not written back (R10). */
export function letGo(req: Request, id: string): void {
  leaveSession(req);
  authOf(req).formerSession = id;
}

/** A session id: 144 random bits, where ASVS 7.2.3 asks for 128. More would cost memory: it names all records of a session. */
export function newSessionId(): string {
  return randomBytes(18).toString('base64url');
}

/** Keeps express-session from writing this request's session back. */
function leaveSession(req: Request): void {
  const auth = authOf(req);
  if (auth.found) auth.left = auth.found;
  delete auth.user;
  delete auth.found;
  (req as { session?: unknown }).session = undefined;
}

/** Whoever watches the log knows on what ground a rule was met, or why it was not. */
function auditWithoutAuthTime(req: Request, { iss, sub, provider }: UserSession, session: string): void {
  const { audit, providers } = authOf(req).context;
  const accepted = providers.named(provider)?.settings.stepUpWithoutAuthTime;
  audit('sign_in.without_auth_time', { iss, sub, session, accepted }, req);
}

function toSession(
  req: Request,
  { claims, fromUserinfo, tokens, withoutAuthTime }: SignInAnswer,
  { roles, member }: Admission,
  context: AuthContext,
): Omit<UserSession, 'provider'> {
  const now = Date.now();
  const agent = req.headers['user-agent'];
  const deviceKind = kindOfDevice(agent);
  return {
    ...ownerIn(claims),
    ...keptClaims(claims, fromUserinfo),
    ...(roles !== undefined && { roles }),
    ...(member !== undefined && { member }),
    ...(tokens.scope !== undefined && { scope: tokens.scope }),
    signedInAt: now,
    ...(withoutAuthTime && { freshAt: now }),
    expiresAt: now + context.maxHours * 3_600_000,
    device: describeDevice(agent),
    ...(deviceKind && { deviceKind }),
  };
}

function toUser(session: UserSession, context: AuthContext): User {
  const { iss, sub, provider, sid, scope, signedInAt, freshAt, expiresAt } = session;
  const claims = claimsOf(session);
  const authTime = authTimeOf(claims);
  return {
    iss,
    sub,
    provider,
    sid,
    name: nameIn(claims, sub),
    email: textIn(claims, 'email'),
    claims,
    member: session.member as User['member'],
    roles: session.roles ?? context.rolesOf(provider, claims),
    scopes: (scope ?? '').split(/\s/).filter(Boolean),
    acr: textIn(claims, 'acr'),
    authTime: authTime === undefined ? undefined : new Date(authTime * 1000),
    freshAt: freshAt === undefined ? undefined : new Date(freshAt),
    signedInAt: new Date(signedInAt),
    expiresAt: new Date(expiresAt),
    idleExpiresAt: new Date(Math.min(expiresAt, Date.now() + context.idleMinutes * 60_000)),
  };
}

function textIn(claims: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
