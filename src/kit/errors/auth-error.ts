import { failurePage, isOfSetUp } from './failure-pages.ts';
import type { ErrorWithMessage, Message } from './message.ts';
import { type Refusal, refusals, type SignInFailure, signInFailures } from './reasons.ts';

/** A failure to sign in, to sign out or to be let in: a reason for the log, a page for the user, and the cause for the developer. */
export class AuthError extends Error implements ErrorWithMessage {
  override name = 'AuthError';
  readonly reason: SignInFailure | Refusal;
  readonly status: number;
  readonly retryAfter: number | undefined;
  /** Only the people who run the site can help: signing in again fails in the same way. */
  readonly setUp: boolean;
  page: Message;
  /** What the developer may do about it; goes into the log, never onto the page. */
  hint: string | undefined;
  /** The request that failed, where this only shows its page again: that one's log line has the cause. */
  shownFirst: string | undefined;
  /** What people call the provider that it is about, where that is known. */
  provider: string | undefined;
  /** What a new sign-in has to prove, where that would help (RFC 9470 §3). */
  readonly demands: { maxAge?: number | undefined; acr?: readonly string[] | undefined } | undefined;
  /**
   * Whose sign-in it was, where a verified ID token had said so by then: for the audit event, and the name for their own
   * page.
   */
  about: { iss: string; sub: string; name?: string } | undefined;

  constructor(
    reason: SignInFailure | Refusal,
    options: {
      cause?: unknown;
      hint?: string | undefined;
      page?: Partial<Message>;
      about?: AuthError['about'];
      demands?: AuthError['demands'];
      provider?: string | undefined;
      setUp?: boolean | undefined;
      /** Seconds, for a 503. */
      retryAfter?: number | undefined;
    } = {},
  ) {
    super(reason, { cause: options.cause });
    this.reason = reason;
    this.status = { ...signInFailures, ...refusals }[reason];
    this.retryAfter = this.status === 503 ? (options.retryAfter ?? 5) : undefined;
    this.setUp = options.setUp ?? isOfSetUp(reason);
    this.page = { ...failurePage(reason, this.setUp), ...options.page };
    this.hint = options.hint;
    this.about = options.about;
    this.demands = options.demands;
    this.provider = options.provider;
  }
}
