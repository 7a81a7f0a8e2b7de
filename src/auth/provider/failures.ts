import { AuthError, type SignInFailure } from '../errors.ts';
import { Unreachable, UnusableAnswer } from './fetch.ts';

// Turns what openid-client throws into our reasons. It knows the library's codes, not the library.

interface LibraryError extends Error {
  code?: string;
  error?: string;
  response?: unknown;
  cause?: LibraryError & { claim?: string };
}

/** Seconds that the provider's clock is ahead of ours, by its Date header; and how many we put up with. */
export interface Clock {
  drift: number;
  tolerance: number;
}

/**
 * @param step where it went wrong
 */
export function toAuthError(
  thrown: unknown,
  step: 'discovery' | 'start' | 'answer' | 'userinfo',
  clock: Clock = { drift: 0, tolerance: 0 },
): AuthError {
  if (thrown instanceof AuthError) return thrown;
  const error = thrown as LibraryError;
  for (const link of causes(error)) {
    if (link instanceof AuthError) return link;
    if (link instanceof Unreachable) return new AuthError('provider_unreachable', { cause: thrown });
    if (link instanceof UnusableAnswer)
      return new AuthError('provider_answer', { cause: thrown, hint: link.message });
  }
  if (step === 'userinfo') return userinfoError(error);
  if (step === 'discovery')
    return new AuthError('discovery_invalid', { cause: thrown, hint: details(error) });
  if (error.code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR') {
    const hint = `the provider answered error=${error.error}`;
    return new AuthError(answerReason(error.error), { cause: thrown, hint });
  }
  const refused = refusal(error);
  if (refused !== undefined || error.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') {
    const hint = refusalHint(refused, error);
    return new AuthError(step === 'start' ? 'provider_error' : 'token_refused', { cause: thrown, hint });
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
  const hint = reason === 'provider_answer' ? `${whoAnswered(error, step)}: ${detail}` : detail;
  return new AuthError(reason, { cause: thrown, hint });
}

function reasonByDetail(detail: string): SignInFailure {
  const rules: [RegExp, SignInFailure][] = [
    [/response parameter|"iss" \(issuer\) response/, 'issuer_mismatch'],
    [/"nonce"/, 'nonce_mismatch'],
    [/"auth_time"/, 'not_fresh'],
    [/"alg"|"crit"|JWE|unsupported JWS/, 'id_token_algorithm'],
    [/signature|verification key|modulusLength|key data/, 'id_token_signature'],
    [/JWT|ID Token/, 'id_token_claims'],
  ];
  return rules.find(([pattern]) => pattern.test(detail))?.[1] ?? 'provider_answer';
}

function answerReason(error: string | undefined): SignInFailure {
  if (error === 'access_denied') return 'access_denied';
  if (error === 'unmet_authentication_requirements') return 'acr_not_met';
  if (error === 'temporarily_unavailable') return 'provider_unreachable';
  return /^(login|interaction|consent|account_selection)_required$/.test(error ?? '')
    ? 'login_required'
    : 'provider_error';
}

/**
 * The `error` of a refusal by the token, PAR or revocation endpoint. Whatever the body says, a 401 is a failed client
 * authentication (RFC 6749 §5.2), and so is a 403 that gives no `error`: Keycloak's PAR answers 401 with
 * `invalid_request`, Glewlwyd 401 or 403 with nothing, and after Basic nobody reads the body behind the challenge.
 */
export function refusal(thrown: unknown): string | undefined {
  // What has been judged already: the status of an AuthError is that of our own page, the answer userinfo's.
  if (thrown instanceof AuthError) return undefined;
  const { error } = thrown as LibraryError;
  const status = answerIn(thrown as LibraryError)?.status;
  const unnamed = error === undefined && !challengesWithError(thrown as LibraryError);
  return status === 401 || (status === 403 && unnamed) ? 'invalid_client' : error;
}

function challengesWithError({ cause }: LibraryError): boolean {
  return Array.isArray(cause) && cause.some((challenge) => challenge?.parameters?.error !== undefined);
}

/** The answer that the library could not use, where it hands it over. */
function answerIn(error: LibraryError): Response | undefined {
  return causes(error)
    .flatMap((link) => [link, link.response])
    .find((link) => link instanceof Response);
}

/** Endpoint and status. An answer that failed only in what its body says had the status that was expected. */
function whoAnswered(error: LibraryError, step: 'start' | 'answer'): string {
  const answer = answerIn(error);
  if (answer?.url) return `${answer.url.replace(/[?#].*/, '')} answered ${answer.status}`;
  return step === 'start' ? 'the PAR endpoint answered 201' : 'the token endpoint answered 200';
}

function refusalHint(error: string | undefined, thrown: LibraryError): string {
  const answer = answerIn(thrown);
  const said = answer ? ` (${whoAnswered(thrown, 'answer')}${thrown.error ? ` ${thrown.error}` : ''})` : '';
  if (error === 'invalid_client')
    return `invalid_client: OIDC_CLIENT_ID, the secret or OIDC_CLIENT_AUTH is not what the provider has${said}`;
  if (error === 'invalid_grant')
    return 'invalid_grant: the code was used already, ran out, or belongs to another redirect address';
  return error ? `the provider answered error=${error}` : `the provider refused${said}`;
}

function timeError(error: LibraryError, { drift, tolerance }: Clock): AuthError {
  if (claimOf(error) === 'auth_time')
    return new AuthError('not_fresh', { cause: error, hint: 'auth_time is older than max_age' });
  if (claimOf(error) === 'nbf')
    return new AuthError('clock', { cause: error, hint: `nbf lies in the future: ${clockHint(drift)}` });
  if (Math.abs(drift) <= tolerance) return new AuthError('id_token_expired', { cause: error });
  return new AuthError('clock', { cause: error, hint: clockHint(drift) });
}

/** @param drift seconds that the provider's clock is ahead of ours */
export function clockHint(drift: number): string {
  const away = Math.abs(drift);
  const size = away >= 120 ? `${Math.round(away / 60)} min` : `${away} s`;
  return `the provider's clock is ${size} ${drift > 0 ? 'ahead' : 'behind'}`;
}

function userinfoError(error: LibraryError): AuthError {
  const detail = details(error);
  if (/JWE/.test(detail)) {
    const hint =
      'userinfo is encrypted: have the provider send it signed or plain, or set OIDC_USERINFO=false';
    return new AuthError('userinfo_encrypted', { cause: error, hint });
  }
  const reason = /"sub"/.test(detail) ? 'userinfo_sub_mismatch' : 'userinfo_refused';
  return new AuthError(reason, { cause: error, hint: detail });
}

function claimOf(error: LibraryError): string | undefined {
  return causes(error).find(
    (link): link is LibraryError & { claim: string } =>
      typeof (link as { claim?: string }).claim === 'string',
  )?.claim;
}

function details(error: LibraryError): string {
  return causes(error)
    .map((link) => link.message)
    .filter(Boolean)
    .join(': ');
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
