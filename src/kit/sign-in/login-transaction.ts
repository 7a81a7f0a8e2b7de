import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Sealer } from '../session/context.ts';
import { type CookieJar, isLoginName } from '../http/cookies.ts';
import type { Demands } from '../provider/index.ts';
import { signedIn } from '../session/user-session.ts';

/** From its start to its answer. */
export const longestSignInSeconds = 3600;
const mostAtOnce = 5;
/** All login cookies of a browser together; servers and proxies refuse headers over 8 KB. */
const mostBytes = 5_000;
const idPattern = /^login-[0-9a-z]{9}[\w-]{4}$/;

/** A sign-in on its way. Between redirect and answer it lives in the browser, sealed, and nowhere else. */
export interface LoginTransaction extends Demands {
  state: string;
  nonce: string;
  code_verifier: string;
  returnTo: string;
  /** The session that the browser had when it left, where its Lax cookie does not come along with the answer. */
  former?: string | undefined;
  prompt?: string | undefined;
  login_hint?: string | undefined;
  /** The second attempt, which is not repeated by itself. */
  restarted?: boolean | undefined;
}

type Begun = Omit<LoginTransaction, 'state' | 'nonce' | 'code_verifier'>;

/**
 * Keeps each sign-in on its way in a cookie of its own, named after its state and sealed under it: it opens only in
 * the browser that started, for the answer that belongs to it, once (R3). Visitors and bots cost the server nothing.
 */
export class LoginTransactions {
  readonly #cookies: CookieJar;
  readonly #sealer: Sealer;

  constructor(cookies: CookieJar, sealer: Sealer) {
    this.#cookies = cookies;
    this.#sealer = sealer;
  }

  /** Begins one: fresh state, nonce and code_verifier (R1; RFC 7636 §4.1: 32 random bytes). */
  begin(req: Request, res: Response, { former, ...begun }: Begun): LoginTransaction {
    // The state starts with the time, so that the oldest cookie is known by its name.
    const random = randomBytes(64); // Asked for once: the system's randomness costs by the call.
    const state = Date.now().toString(36).padStart(9, '0') + random.toString('base64url', 0, 16);
    const transaction = {
      nonce: random.toString('base64url', 16, 32),
      code_verifier: random.toString('base64url', 32),
      ...(this.#cookies.answerSite === 'none' && { former: signedIn(req)?.id ?? former }),
      ...begun,
    };
    const value = this.#sealer.seal(JSON.stringify(transaction), state).toString('base64url');
    this.#makeRoom(req, res, value.length);
    this.#cookies.set(res, cookieName(state), value, longestSignInSeconds, this.#cookies.answerSite);
    return { state, ...transaction };
  }

  /**
   * The transaction that this answer belongs to. `'late'`: it is this browser's, but too old. Undefined: this browser
   * knows no such sign-in.
   */
  find(req: Request, state: string): LoginTransaction | 'late' | undefined {
    const name = cookieName(state);
    if (!idPattern.test(name)) return undefined;
    const value = this.#cookies.read(req, (plain) => plain === name).get(name);
    if (value === undefined) return undefined;
    const opened = this.#sealer.open(Buffer.from(value, 'base64url'), state);
    if (!opened) return undefined;
    const age = Date.now() - Number.parseInt(state.slice(0, 9), 36);
    if (age > longestSignInSeconds * 1000) return 'late';
    return { state, ...JSON.parse(opened.toString()) };
  }

  /** Has the browser forget the sign-in of this state, whatever came of it. */
  drop(req: Request, res: Response, state: string): void {
    const name = cookieName(state);
    if (!idPattern.test(name) || !req.headers.cookie?.includes(`${this.#cookies.name(name)}=`)) return;
    this.#cookies.clear(res, name, this.#cookies.answerSite);
  }

  /** At most five are on their way; the oldest goes first. */
  #makeRoom(req: Request, res: Response, size: number): void {
    const waiting = [...this.#cookies.read(req, isLoginName)].sort(([a], [b]) => (a < b ? 1 : -1));
    let bytes = size;
    for (const [index, [name, value]] of waiting.entries()) {
      bytes += name.length + value.length;
      const stays = idPattern.test(name) && index < mostAtOnce - 1 && bytes <= mostBytes;
      if (!stays) this.#cookies.clear(res, name, this.#cookies.answerSite);
    }
  }
}

function cookieName(state: string): string {
  return `login-${state.slice(0, 13)}`;
}
