import { AuthError } from '../errors/auth-error.ts';
import type { SignInFailure } from '../errors/reasons.ts';
import { Unreachable, UnusableAnswer } from './fetch.ts';
import { said } from './hint-text.ts';
import { type Complaint, complaintOf, hintOf, type Step } from './hints.ts';

// Turns what openid-client throws into our reasons. It knows the library's codes, not the library.

interface LibraryError extends Error {
  code?: string;
  error?: string;
  error_description?: string;
  response?: unknown;
  cause?: LibraryError & { claim?: string };
}

/** How far the provider's clock is from ours, in seconds. */
export interface Clock {
  /** How many it is ahead, by its Date header; undefined while it sends none, as Keycloak does. */
  drift: number | undefined;
  /** How many we put up with. */
  tolerance: number;
}

/**
 * @param step where it went wrong
 */
export function toAuthError(
  thrown: unknown,
  step: Step,
  clock: Clock = { drift: undefined, tolerance: 0 },
): AuthError {
  if (thrown instanceof AuthError) return thrown;
  const error = thrown as LibraryError;
  for (const link of causes(error)) {
    if (link instanceof AuthError) return link;
    if (link instanceof Unreachable)
      return new AuthError('provider_unreachable', { cause: thrown, hint: link.hint });
    if (link instanceof UnusableAnswer)
      return new AuthError('provider_answer', { cause: thrown, hint: link.message });
  }
  const known = hintOf(causes(error), step);
  if (step === 'userinfo') return userinfoError(error, known);
  if (step === 'discovery')
    return new AuthError('discovery_invalid', { cause: thrown, hint: known ?? details(error) });
  if (error.code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR') {
    const hint = known ?? `the provider answered error=${said(error.error)}`;
    const reason = answerReason(error);
    const setUp = reason === 'provider_error' && comesFromSetUp(error, known);
    return new AuthError(reason, { cause: thrown, hint, setUp });
  }
  const refused = refusal(error);
  if (refused !== undefined || error.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') {
    const hint = known ?? refusalHint(refused, error);
    const reason = step === 'start' ? 'provider_error' : 'token_refused';
    return new AuthError(reason, { cause: thrown, hint, setUp: comesFromSetUp(error, known, refused) });
  }
  switch (error.code) {
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return timeError(error, clock);
    case 'OAUTH_JWT_CLAIM_COMPARISON_FAILED':
      return new AuthError(claimOf(error) === 'nonce' ? 'nonce_mismatch' : 'id_token_claims', {
        cause: thrown,
        hint: `the ID token's ${claimOf(error)} is not what was expected`,
      });
  }
  const detail = details(error);
  const reason = reasonByDetail(detail);
  const hint = known ?? (reason === 'provider_answer' ? `${whoAnswered(error, step)}: ${detail}` : detail);
  return new AuthError(reason, { cause: thrown, hint });
}

function reasonByDetail(detail: string): SignInFailure {
  const rules: [RegExp, SignInFailure][] = [
    [/response parameter|"iss" \(issuer\) response/, 'issuer_mismatch'],
    [/"nonce"/, 'nonce_mismatch'],
    [/"auth_time"/, 'not_fresh'],
    [/"alg"|"crit"|unsupported JWS/, 'id_token_algorithm'],
    [/signature|verification key|modulusLength|key data/, 'id_token_signature'],
    [/JWT|ID Token/, 'id_token_claims'],
  ];
  return rules.find(([pattern]) => pattern.test(detail))?.[1] ?? 'provider_answer';
}

function answerReason({ error, error_description }: LibraryError): SignInFailure {
  if (error === 'access_denied') return 'access_denied';
  // We never send prompt=none. A provider that may ask and says this has asked, or will not (LemonLDAP::NG, Entra).
  if (error === 'consent_required' || error === 'interaction_required') return 'access_denied';
  if (error === 'unmet_authentication_requirements') return 'acr_not_met';
  // Keycloak's, for a sign-in page that was left open too long: nothing is unavailable.
  if (error === 'temporarily_unavailable' && error_description === 'authentication_expired')
    return 'authentication_expired';
  if (error === 'temporarily_unavailable') return 'provider_unreachable';
  return /^(login|account_selection)_required$/.test(error ?? '') ? 'login_required' : 'provider_error';
}

/**
 * Whether what the provider refused comes from how this app is set up, here or there: then each further sign-in ends in
 * the same way. A server that fails, or a code that has expired, does not.
 *
 * @param hint the one that says which setting it is, where there is one
 */
function comesFromSetUp(thrown: LibraryError, hint: string | undefined, error = thrown.error): boolean {
  if (hint !== undefined || ofSetUp.test(error ?? '')) return true;
  return (
    error === 'invalid_request' && /redirect.?ur[il]/i.test(complaintOf(causes(thrown))?.description ?? '')
  );
}

/** RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, RFC 9101 §6.3, OpenID Connect Core §3.1.2.6 and Registration §3.3. */
const ofSetUp =
  /^(?:(?:invalid|unauthorized)_client|invalid_(?:scope|target|redirect_uri|request_object|request_uri|authorization_details)|unsupported_(?:response_type|response_mode|grant_type)|(?:request|request_uri|registration)_not_supported)$/;

/**
 * The `error` of a refusal by the token, PAR or revocation endpoint. Whatever the body says, a 401 is a failed client
 * authentication (RFC 6749 §5.2), and so is a 403 that gives no `error`: Keycloak's PAR answers 401 with
 * `invalid_request`, Glewlwyd 401 or 403 with nothing.
 */
export function refusal(thrown: unknown): string | undefined {
  // What has been judged already: the status of an AuthError is that of our own page, the answer userinfo's.
  if (thrown instanceof AuthError) return undefined;
  const status = answerIn(thrown)?.status;
  const error = refusalWords(thrown)?.error;
  return status === 401 || (status === 403 && error === undefined) ? 'invalid_client' : error;
}

/** What an endpoint that refused us said, wherever in its answer that is. */
export function refusalWords(thrown: unknown): Complaint | undefined {
  const { status = 400 } = answerIn(thrown) ?? {};
  return status >= 400 && status < 500 ? complaintOf(causes(thrown as Error)) : undefined;
}

/** The answer that the library could not use, where it hands it over. */
export function answerIn(error: unknown): Response | undefined {
  return causes(error as Error)
    .flatMap((link) => [link, link.response])
    .find((link) => link instanceof Response);
}

/** A status that speaks of the server's state, not of what it was asked: it may be asked the same again. */
export const isLater = (status: number) => status >= 500 || [408, 425, 429].includes(status);

/** Whether the provider, asked the same again later, may well give a better answer. */
export function isForLater(error: unknown): boolean {
  if (!(error instanceof AuthError)) return true;
  const answer = answerIn(error);
  return error.status === 503 || (answer !== undefined && isLater(answer.status));
}

/** Endpoint and status. An answer that failed only in what its body says had the status that was expected. */
function whoAnswered(error: LibraryError, step: 'start' | 'answer'): string {
  const answer = answerIn(error);
  if (answer?.url) return `${answer.url.replace(/[?#].*/, '')} answered ${answer.status}`;
  return step === 'start' ? 'the PAR endpoint answered 201' : 'the token endpoint answered 200';
}

function refusalHint(error: string | undefined, thrown: LibraryError): string {
  const answer = answerIn(thrown);
  const complaint = complaintOf(causes(thrown))?.error;
  const words = answer ? ` (${whoAnswered(thrown, 'answer')}${complaint ? ` ${said(complaint)}` : ''})` : '';
  if (error === 'invalid_client')
    return `invalid_client: OIDC_CLIENT_ID, the secret or OIDC_CLIENT_AUTH is not what the provider has${words}`;
  if (error === 'invalid_grant')
    return 'invalid_grant: the code was used already, has expired, or belongs to another redirect address';
  return error ? `the provider answered error=${said(error)}` : `the provider refused${words}`;
}

function timeError(error: LibraryError, { drift, tolerance }: Clock): AuthError {
  const claim = claimOf(error);
  if (claim === 'auth_time')
    return new AuthError('not_fresh', { cause: error, hint: 'auth_time is older than max_age' });
  const away = drift ?? driftByIat(error);
  const off = Math.abs(away) > tolerance;
  if (claim === 'nbf') {
    const hint = `nbf is in the future${off ? `: ${clockHint(away)}` : ''}`;
    return new AuthError('clock', { cause: error, hint });
  }
  if (!off) {
    // A proxy may write the Date header, and then it shows the proxy's clock.
    const byIat = driftByIat(error);
    const hint = Math.abs(byIat) > tolerance ? `by iat in the ID token, ${clockHint(byIat)}` : undefined;
    return new AuthError('id_token_expired', { cause: error, hint });
  }
  return new AuthError('clock', { cause: error, hint: clockHint(away) });
}

/** An ID token comes straight from the token endpoint, so its iat is what the provider's clock shows now. */
function driftByIat(error: LibraryError): number {
  const checked = causes(error).find((link): link is LibraryError & TimeCheck => 'claims' in link);
  const iat = checked?.claims?.iat;
  return typeof iat === 'number' ? Math.round(iat - Date.now() / 1000) : 0;
}

interface TimeCheck {
  claims?: { iat?: unknown };
}

/** @param drift seconds that the provider's clock is ahead of ours */
export function clockHint(drift: number): string {
  const away = Math.abs(drift);
  const size = away >= 120 ? `${Math.round(away / 60)} min` : `${away} s`;
  return `the provider's clock is ${size} ${drift > 0 ? 'ahead' : 'behind'}`;
}

function userinfoError(error: LibraryError, known: string | undefined): AuthError {
  const detail = details(error);
  const reason = /"sub"/.test(detail) ? 'userinfo_sub_mismatch' : 'userinfo_refused';
  return new AuthError(reason, { cause: error, hint: known ?? detail });
}

function claimOf(error: LibraryError): string | undefined {
  return causes(error).find(
    (link): link is LibraryError & { claim: string } =>
      typeof (link as { claim?: string }).claim === 'string',
  )?.claim;
}

/** The library's own words, each once: it often repeats those of the cause. Whatever is no error is the provider's. */
function details(error: LibraryError): string {
  const words = causes(error).flatMap((link) => (link instanceof Error ? link.message : []));
  return said([...new Set(words.filter(Boolean))].join(': '), 400);
}

/** What the provider said was wrong, in its own words, as a log may contain them (R20). A page never shows them. */
export function whatItSaid(error: Error): { error?: string; error_description?: string } {
  const complaint = complaintOf(causes(error));
  if (!complaint) return {};
  const { description } = complaint;
  return {
    error: said(complaint.error),
    ...(description !== undefined && { error_description: said(description, 200) }),
  };
}

/** An error and what caused it, the outermost first. */
export function causes(error: Error): LibraryError[] {
  const chain: LibraryError[] = [];
  for (
    let link = error as LibraryError | undefined;
    link instanceof Object && chain.length < 6;
    link = link.cause
  )
    chain.push(link);
  return chain;
}
