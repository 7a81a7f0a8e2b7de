import type { TokenEndpointResponse } from 'openid-client';
import { AuthError } from '../errors/auth-error.ts';
import type { EndReason } from '../errors/end-reasons.ts';
import { clientCallError, isClientAuthenticationFailure } from './client-refusal.ts';
import { demandBoundToken } from './dpop-key.ts';
import { answerIn, type Clock, causes, isLater, toAuthError } from './failures.ts';
import { Unreachable } from './fetch.ts';
import { said } from './hint-text.ts';
import { complaintOf } from './hints.ts';
import type { ProviderSettings } from './settings.ts';

/** A refresh that failed, and what follows from it (R13). */
export class RefreshError extends AuthError {
  /** Set where the session has to end, with why. Nothing else ends one. */
  readonly ends: EndReason | undefined;
  /** The refresh token was used, and what came for it cannot be. */
  readonly spent: boolean;
  /** The refresh token that came with an access token which cannot be used. */
  readonly rotated: string | undefined;

  constructor(
    reason: AuthError['reason'],
    {
      ends,
      spent = false,
      rotated,
      ...options
    }: ConstructorParameters<typeof AuthError>[1] & {
      ends?: EndReason;
      spent?: boolean;
      rotated?: string | undefined;
    },
  ) {
    super(reason, options);
    this.ends = ends;
    this.spent = spent;
    this.rotated = rotated;
  }
}

/** Somebody else's tokens: the new ID token is of another issuer or another user. */
export function foreignTokens(cause?: unknown): RefreshError {
  return new RefreshError('session_over', {
    cause,
    ends: 'not-renewed',
    hint: 'the new ID token belongs to somebody else',
  });
}

/** Servers take headers of 16 KB at most, and each API's token is kept with each session. */
const longestApiToken = 16_000;

/**
 * The access token of one API can be used: it is bound to the session's key where there is one, and not too long.
 *
 * @throws RefreshError which ends nothing, and brings the refresh token that came along: the old one is used up
 */
export function demandUsable(answer: TokenEndpointResponse, dpopKey: object | undefined): void {
  const { access_token, refresh_token: rotated } = answer;
  try {
    demandBoundToken(answer, dpopKey);
  } catch (cause) {
    throw new RefreshError('api_token_refused', { cause, hint: (cause as AuthError).hint, rotated });
  }
  if (access_token.length <= longestApiToken) return;
  const hint = `the access token for the API has more than ${longestApiToken} characters: have the provider put less into it, such as fewer groups`;
  throw new RefreshError('api_token_refused', { hint, rotated });
}

/**
 * What the token endpoint's answer to a refresh, or its silence, means.
 *
 * @param forApi it was asked for the access token of one API
 */
export function toRefreshError(thrown: unknown, provider: AskedProvider, forApi = false): AuthError {
  if (thrown instanceof RefreshError) return thrown;
  // One of ours is about something else, such as the metadata: its answer is not the token endpoint's.
  const refusal = thrown instanceof AuthError ? undefined : readRefusal(thrown);
  if (refusal && forApi && isOfOneApi(refusal)) {
    return new RefreshError('api_token_refused', { cause: thrown, hint: hintOf(refusal) });
  }
  if (refusal) return meaningOf(refusal, thrown, provider);
  const failure = toAuthError(thrown, 'answer', provider.clock());
  const { reason, hint } = failure;
  if (reason === 'tenant_not_allowed' || hasForeignIssuer(thrown)) return foreignTokens(thrown);
  // Hydra signs with a new key under the old kid. A new sign-in shows whether it is only that.
  if (/^(id_token_.*|nonce_mismatch|clock|not_fresh|acr_not_met|claims_too_large)$/.test(reason)) {
    return new RefreshError('sign_in_again', {
      cause: thrown,
      spent: true,
      hint: `the new ID token was refused: ${hint ?? reason}`,
    });
  }
  if (failure.status === 503 && reason !== 'provider_unreachable') return failure;
  return later(thrown, hint);
}

/**
 * These speak of what was asked for, not of the session: it goes on (RFC 6749 §5.2, RFC 8707 §2.2). A 401 speaks of this
 * client, whatever it says: Keycloak calls a wrong secret `unauthorized_client`.
 */
function isOfOneApi({ status, error = '' }: Refusal): boolean {
  return (
    !isLater(status) && status !== 401 && /^(invalid_scope|invalid_target|unauthorized_client)$/.test(error)
  );
}

interface AskedProvider {
  settings: ProviderSettings;
  clock(): Clock;
}

interface Refusal {
  status: number;
  error: string | undefined;
  description: string | undefined;
}

/** By name where there is one: some servers answer with a status of their own (Auth0's 403 invalid_grant). */
function meaningOf(refusal: Refusal, cause: unknown, provider: AskedProvider): AuthError {
  const { status, error, description } = refusal;
  const { settings } = provider;
  const hint = hintOf(refusal);
  if (isLater(status)) return later(cause, hint);
  if (error && ofPerson.test(error)) return new RefreshError('sign_in_again', { cause, hint });
  // Also an invalid_grant that speaks of our own client assertion: no session ends for a setting of ours.
  if (isClientAuthenticationFailure(cause, settings)) {
    const what = clientCallError(cause, settings, 'answer', provider.clock()).hint;
    return new RefreshError('client_refused', { cause, hint: `${hint}: ${what}` });
  }
  if (error === 'invalid_grant') {
    return new RefreshError('invalid_grant', { cause, hint, ends: whatEnded(description) });
  }
  if (error === 'temporarily_unavailable') return later(cause, hint);
  if (error || status === 400) return new RefreshError('sign_in_again', { cause, hint });
  return later(cause, hint);
}

function hintOf({ status, error, description }: Refusal): string {
  const words = [error, description].filter(Boolean).join(': ');
  return `the token endpoint answered ${status}${words && ` ${words}`}`;
}

const ofPerson = /^(interaction|login|consent|account_selection)_required$/;

/** Whether the token endpoint says that the person has to do something. */
export function needsPerson(thrown: unknown): boolean {
  return ofPerson.test(readRefusal(thrown)?.error ?? '');
}

/** What a provider's description of `invalid_grant` says has ended. Most say nothing that tells. */
function whatEnded(description = ''): EndReason {
  const words = description.toLowerCase().replaceAll('_', ' ');
  if (gone.some((pattern) => pattern.test(words))) return 'account';
  return over.some((pattern) => pattern.test(words)) ? 'provider-session' : 'not-renewed';
}

const gone = [
  /\b(user|account)( account)?( is| was| has been)?( currently| temporarily)? (disabled|deactivated|suspended|blocked|locked|deleted|removed|inactive|not active|not enabled)\b/,
  /\b(disabled|deactivated|suspended|blocked|locked|deleted|unknown) (user|account)\b(?! session)/,
  /\b(user|account)( account)?( was)? (not found|does not exist|doesn't exist|no longer exists)\b/,
];

// Keycloak's words first.
const over = [
  /\btoken is not active\b/,
  /\bsession\b.{0,40}\b(not active|not found|not exist|doesn't exist|not have required client|doesn't have required client|expired|ended|over|terminated|closed|inactive|invalid|revoked)\b/,
  /\b(no active|no such|unknown|expired|inactive|invalid) session\b/,
  /\b(logged|signed) out\b/,
];

/** The answer that a library error is about. */
function readRefusal(thrown: unknown): Refusal | undefined {
  const answer = answerIn(thrown);
  if (!answer || answer.status < 300) return undefined;
  const { error, description } = complaintOf(causes(thrown as Error)) ?? {};
  return {
    status: answer.status,
    // Only a code is one; whatever else is there is for the log.
    error: error && (/^[a-z_]{1,60}$/.test(error) ? error : said(error, 200)),
    description: description && said(description, 200),
  };
}

function hasForeignIssuer(thrown: unknown): boolean {
  return causes(thrown as Error).some((link) => (link as { claim?: unknown }).claim === 'iss');
}

const longestWait = 300;

/** Nothing has ended; the provider may say when to come again. */
function later(cause: unknown, hint?: string): RefreshError {
  return new RefreshError('provider_unreachable', { cause, hint, retryAfter: retryAfter(cause) });
}

/** The Retry-After of an answer, seconds or a date (RFC 9110 §10.2.3), as seconds within bounds. */
function retryAfter(cause: unknown): number | undefined {
  const header = causes(cause as Error)
    .flatMap((link) => [link as unknown, (link as { response?: unknown }).response])
    .map((each) => {
      if (each instanceof Response) return each.headers.get('retry-after');
      return each instanceof Unreachable ? each.retryAfter : undefined;
    })
    .find(Boolean);
  if (!header) return undefined;
  const seconds = /^\d{1,9}$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(Math.ceil(seconds), 1), longestWait);
}
