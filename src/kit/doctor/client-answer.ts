import type { ProviderConfig } from '../config/index.ts';
import { showsCertificate } from '../provider/client-authentication.ts';
import type { Outcome } from './attempts.ts';
import { allWords } from './refusal.ts';

/**
 * What the answer to a code that cannot exist says about the client. `known`: the provider looked at the code, so it
 * knows the client. `refused`: it stopped before the code. `accepted`: it took the code, which no provider may.
 */
export type Verdict = 'known' | 'refused' | 'not-allowed' | 'accepted' | 'silent' | 'unclear';

export function judge(outcome: Outcome, settings: ProviderConfig): Verdict {
  const { clientAuth } = settings;
  if (outcome.state === 'silent') return 'silent';
  if (outcome.state === 'passed') return 'accepted';
  const { error, status } = outcome;
  // That says nothing about the client.
  if (speaksOfRequestObject(outcome)) return 'unclear';
  // OpenIddict refuses an assertion for another audience with invalid_grant.
  if (byAssertion(clientAuth) && !speaksOfCode(outcome) && speaksOfAssertion(outcome)) return 'refused';
  // Glewlwyd says invalid_code.
  if (error === 'invalid_grant' || error === 'invalid_code') return 'known';
  if (status === 401 || error === 'invalid_client') return 'refused';
  // nginx: "The SSL certificate error".
  if (showsCertificate(settings) && speaksOfCertificate(outcome)) return 'refused';
  // Glewlwyd says nothing more.
  if (status === 403 && error === undefined) return 'refused';
  if (byAssertion(clientAuth) && error === 'invalid_token') return 'refused';
  if (error === 'unauthorized_client') return 'not-allowed';
  // Dex says invalid_request of a code that it does not know.
  return error === 'invalid_request' && speaksOfCode(outcome) ? 'known' : 'unclear';
}

/** The client proves who it is by a JWT (RFC 7523). */
export function byAssertion(clientAuth: string): boolean {
  return signsAssertion(clientAuth) || clientAuth === 'workload_identity';
}

/** By one that it makes itself, so that settings say what is in it. */
export function signsAssertion(clientAuth: string): boolean {
  return clientAuth.endsWith('_jwt');
}

/** Not of the code that PKCE verifies. */
export function speaksOfCode(outcome: Outcome): boolean {
  return (
    outcome.error === 'invalid_code' || /\bcode\b(?![ _-]?(verifier|challenge))/i.test(allWords(outcome))
  );
}

/** Of a signed request that was pushed. */
export function speaksOfRequestObject({ error }: Outcome): boolean {
  return error === 'invalid_request_object' || error === 'request_not_supported';
}

export function speaksOfCertificate(outcome: Outcome): boolean {
  return /certificate/i.test(allWords(outcome));
}

function speaksOfAssertion(outcome: Outcome): boolean {
  return /\baud(iences?)?\b|assertion/i.test(allWords(outcome));
}
