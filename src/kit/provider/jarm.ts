import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { AuthError } from '../errors/auth-error.ts';
import { namesOf } from './algorithms.ts';
import type { ProviderConnection } from './connection.ts';
import { isEncrypted } from './decryption.ts';
import { clockHint } from './failures.ts';
import { said } from './hint-text.ts';
import { unverifiedClaims, unverifiedHeader } from './unverified.ts';

// JARM (JWT Secured Authorization Response Mode): the whole answer is one signed JWT, errors included. It is read twice:
// first for its state, which finds the sign-in that is answered, and once that is found, to verify it.

/** More than an address can carry, at most servers. */
const longestResponse = 16_000;

/** What a sign-in needs of an answer. Other claims are left out. */
const used = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri'];

/** Nothing of it has been verified. */
interface UnverifiedResponse {
  /** `response` alone: what is beside it counts for nothing (JARM §2.3). */
  parameters: URLSearchParams;
  /** The one inside. */
  state: string | undefined;
  /** Why it cannot be used, whatever sign-in it is for. */
  problem: string | undefined;
  /** The hint for the log if there is no state. */
  hintWithoutState: string;
}

export function readResponse(answer: URLSearchParams): UnverifiedResponse {
  const [response = '', ...others] = answer.getAll('response');
  const problem = others.length > 0 ? 'a parameter of the answer came twice' : problemOf(response, answer);
  const { state } = problem === undefined ? unverifiedClaims(response) : {};
  return {
    parameters: new URLSearchParams({ response }),
    state: typeof state === 'string' && state !== '' ? state : undefined,
    problem,
    hintWithoutState:
      '`response` has no state that is a string: it may be another token, not an authorization answer',
  };
}

function problemOf(response: string, answer: URLSearchParams): string | undefined {
  if (response === '') {
    return `OIDC_RESPONSE_MODE is jwt, and the answer has no \`response\`${errorBeside(answer)}: allow this app that response mode at the provider; where it is allowed, set OIDC_PAR=off, because some providers ignore it in a pushed request`;
  }
  if (response.length > longestResponse)
    return `the authorization answer is longer than ${longestResponse} characters`;
  if (isEncrypted(response))
    return 'the authorization answer is encrypted: have the provider sign it only, without authorization_encrypted_response_alg';
  if (!isReadable(response)) return 'the authorization answer is not a signed JWT';
  return undefined;
}

/** The error of an answer that is no JWT: some providers say in this way that they do not know the response mode. */
function errorBeside(answer: URLSearchParams): string {
  const error = answer.get('error');
  if (!error) return '';
  const description = answer.get('error_description');
  return ` (without one it says error=${said(error)}${description ? `: ${said(description, 120)}` : ''})`;
}

function isReadable(response: string): boolean {
  const claims = Object.keys(unverifiedClaims(response)).length;
  return claims > 0 && Object.keys(unverifiedHeader(response)).length > 0;
}

/**
 * The parameters of an answer, once the JWT that holds them has been verified (JARM §2.4): signature by the pinned
 * algorithm and the provider's own keys, iss, aud, exp.
 *
 * @throws AuthError
 */
export async function openResponse(
  connection: ProviderConnection,
  response: string,
): Promise<URLSearchParams> {
  const { settings, keys, discovered } = connection;
  const { issuer } = await discovered.get();
  // Anybody can begin a sign-in and send an answer to it, so `resolve` bounds the fetches.
  const findKey: JWTVerifyGetKey = (header, jws) => keys.resolve(header, jws, issuer);
  try {
    const { payload } = await jwtVerify(response, findKey, {
      algorithms: [...namesOf(settings.idTokenAlg)],
      issuer,
      audience: settings.clientId,
      clockTolerance: settings.clockToleranceSeconds,
      requiredClaims: ['iss', 'aud', 'exp'],
    });
    return parametersOf(payload);
  } catch (error) {
    throw error instanceof errors.JOSEError ? refused(error, response, connection) : error;
  }
}

/** @throws AuthError where one is there and not a string */
function parametersOf(payload: JWTPayload): URLSearchParams {
  const given = used.filter((name) => payload[name] !== undefined);
  const wrong = given.find((name) => typeof payload[name] !== 'string');
  const hint =
    wrong !== undefined
      ? `${wrong} in the authorization answer is not a string`
      : !payload.code && !payload.error
        ? 'the authorization answer has neither code nor error'
        : undefined;
  if (hint !== undefined) throw new AuthError('answer_invalid', { hint });
  return new URLSearchParams(given.map((name) => [name, String(payload[name])]));
}

function refused(error: errors.JOSEError, response: string, connection: ProviderConnection): AuthError {
  const { idTokenAlg } = connection.settings;
  if (error instanceof errors.JOSEAlgNotAllowed) return invalid(error, algorithmHint(response, idTokenAlg));
  if (error instanceof errors.JWKSNoMatchingKey) return invalid(error, keyHint(response, idTokenAlg));
  if (error instanceof errors.JWTExpired) return outOfTime(error, 'exp', connection);
  // The library's words quote the sender's, of any length: the names of header parameters.
  if (!(error instanceof errors.JWTClaimValidationFailed))
    return invalid(error, `the authorization answer: ${said(error.message, 120)}`);
  const { claim, reason } = error;
  if (claim === 'nbf' && reason === 'check_failed') return outOfTime(error, claim, connection);
  const hint = `${claim} in the authorization answer is ${reason === 'missing' ? 'missing' : `not ${expected[claim] ?? 'a number'}`}`;
  return claim === 'iss' ? new AuthError('issuer_mismatch', { cause: error, hint }) : invalid(error, hint);
}

/** What these claims must be; the others are times, which must be numbers. */
const expected: Readonly<Record<string, string>> = {
  iss: 'the issuer of OIDC_ISSUER',
  aud: 'OIDC_CLIENT_ID',
};

function outOfTime(cause: Error, claim: 'exp' | 'nbf', connection: ProviderConnection): AuthError {
  const { drift, tolerance } = connection.clock();
  const hint = `${claim} in the authorization answer is in the ${claim === 'exp' ? 'past' : 'future'}`;
  return drift !== undefined && Math.abs(drift) > tolerance
    ? new AuthError('clock', { cause, hint: `${hint}: ${clockHint(drift)}` })
    : invalid(cause, hint);
}

function invalid(cause: Error, hint: string): AuthError {
  return new AuthError('answer_invalid', { cause, hint });
}

function algorithmHint(response: string, alg: string): string {
  const came = said(unverifiedHeader(response).alg ?? 'no algorithm at all', 20);
  return `the authorization answer is signed with ${came}, and OIDC_ID_TOKEN_ALG is ${alg}: register authorization_signed_response_alg=${alg} for this app at the provider (its default is RS256)`;
}

function keyHint(response: string, alg: string): string {
  const { kid } = unverifiedHeader(response);
  const key = typeof kid === 'string' ? `key "${said(kid)}"` : 'a key without a name';
  return `the authorization answer is signed with ${key}, and jwks_uri has no usable key of that name for ${alg}`;
}
