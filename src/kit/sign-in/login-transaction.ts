import { hash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { isLoginName } from '../http/cookies.ts';
import type { Provider } from '../provider/index.ts';
import { type AuthContext, answersByForm, authOf, type LoginRequest } from '../session/context.ts';
import { signedIn } from '../session/user-session.ts';

// Each sign-in on its way has a cookie of its own, named after its state and sealed under it: it opens only in the
// browser that started, for the answer that belongs to it, once (R3). Visitors and bots cost the server nothing.

/** From its start to its answer. */
export const longestSignInSeconds = 3600;
const mostAtOnce = 5;
/** All login cookies of a browser together; servers and proxies refuse headers over 8 KB. */
const mostBytes = 4_700;
const idPattern = /^login-[0-9a-z]{9}[\w-]{4}$/;

/**
 * A sign-in on its way. Between redirect and answer it lives in the browser, sealed, and nowhere else. `former` is the
 * session that the browser had when it left, where its Lax cookie does not come along with the answer.
 */
export interface LoginTransaction extends LoginRequest {
  /** The name of the one that was asked: its answer comes to its own address. */
  provider: string;
  /** Which one had that name then: another one that has it now must not get the code. */
  issuerMark: string;
  state: string;
  nonce: string;
  code_verifier: string;
}

/** Begins one: fresh state, nonce and code_verifier (R1; RFC 7636 §4.1: 32 random bytes). */
export function beginLogin(
  req: Request,
  res: Response,
  provider: Provider,
  { former, ...begun }: LoginRequest,
): LoginTransaction {
  const { cookies, sealers } = authOf(req).context;
  // The state starts with the time, so that the oldest cookie is known by its name.
  const random = randomBytes(64); // Asked for once: the system's randomness costs by the call.
  const state = Date.now().toString(36).padStart(9, '0') + random.toString('base64url', 0, 16);
  const byForm = answersByForm(provider);
  const transaction = {
    nonce: random.toString('base64url', 16, 32),
    code_verifier: random.toString('base64url', 32),
    ...(byForm && { former: signedIn(req)?.id ?? former }),
    ...begun,
    provider: provider.name,
    issuerMark: issuerMark(provider),
  };
  const value = sealers.login.seal(JSON.stringify(transaction), state).toString('base64url');
  makeRoom(req, res, cookies, value.length);
  cookies.set(res, cookieName(state), value, longestSignInSeconds, byForm ? 'none' : 'lax');
  return { state, ...transaction };
}

/**
 * The transaction that this answer belongs to. `'late'`: it is this browser's, but too old. Undefined: this browser
 * knows no such sign-in, or the provider that was asked is gone from the settings.
 */
export function findLogin(req: Request, state: string): LoginTransaction | 'late' | undefined {
  const { cookies, sealers, providers } = authOf(req).context;
  const name = cookieName(state);
  if (!idPattern.test(name)) return undefined;
  const value = cookies.read(req, (plain) => plain === name).get(name);
  if (value === undefined) return undefined;
  const opened = sealers.login.open(Buffer.from(value, 'base64url'), state);
  if (!opened) return undefined;
  const age = Date.now() - Number.parseInt(state.slice(0, 9), 36);
  if (age > longestSignInSeconds * 1000) return 'late';
  const transaction: LoginTransaction = { state, ...JSON.parse(opened.toString()) };
  const asked = providers.named(transaction.provider);
  return asked && issuerMark(asked) === transaction.issuerMark ? transaction : undefined;
}

/** Short: the cookie has little space. Only what the settings say is compared with it. */
function issuerMark({ settings }: Provider): string {
  return hash('sha256', settings.issuer, 'base64url').slice(0, 11);
}

/** Has the browser forget the sign-in of this state, whatever came of it. */
export function dropLogin(req: Request, res: Response, state: string): void {
  const { cookies } = authOf(req).context;
  const name = cookieName(state);
  if (!idPattern.test(name) || !req.headers.cookie?.includes(`${cookies.name(name)}=`)) return;
  cookies.clear(res, name, cookies.answerSite);
}

/** At most five are on their way; the oldest goes first. */
function makeRoom(req: Request, res: Response, cookies: AuthContext['cookies'], size: number): void {
  const waiting = [...cookies.read(req, isLoginName)].sort(([a], [b]) => (a < b ? 1 : -1));
  let bytes = size;
  for (const [index, [name, value]] of waiting.entries()) {
    bytes += name.length + value.length;
    const stays = idPattern.test(name) && index < mostAtOnce - 1 && bytes <= mostBytes;
    if (!stays) cookies.clear(res, name, cookies.answerSite);
  }
}

function cookieName(state: string): string {
  return `login-${state.slice(0, 13)}`;
}
