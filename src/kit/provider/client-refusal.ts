import { AuthError } from '../errors/auth-error.ts';
import { missesCertificate, missingCertificate, withCertificateHint } from './certificate-refusal.ts';
import { sendsAssertion } from './client-authentication.ts';
import { refusal, refusalWords, toAuthError } from './failures.ts';
import type { ProviderSettings } from './settings.ts';

/**
 * Whether an endpoint refused this client, not what it asked for. A wrong audience of a client assertion counts:
 * OpenIddict answers it with `invalid_grant`, which would otherwise end the user's session for a setting of ours.
 * No other description does, for "issued to another client" is a refresh token that is gone. Microsoft Entra answers
 * `invalid_request` where no federated credential fits the platform's token (AADSTS70021 and those that follow). A client
 * certificate that did not arrive counts too: Keycloak answers that with `invalid_request`.
 */
export function isClientAuthenticationFailure(thrown: unknown, settings: ProviderSettings): boolean {
  const { clientAuth } = settings;
  if (missesCertificate(thrown, settings)) return true;
  switch (refusal(thrown)) {
    case 'invalid_client':
      return true;
    case 'invalid_grant':
      return /^(private_key_jwt|workload_identity)$/.test(clientAuth) && speaksOfAssertion(thrown);
    case 'invalid_request':
      return clientAuth === 'workload_identity' && speaksOfAssertion(thrown);
    default:
      return false;
  }
}

/**
 * The failure of a call at which this client proves who it is.
 *
 * @param step `start` for PAR, `answer` for the token endpoint
 */
export function clientCallError(
  thrown: unknown,
  settings: ProviderSettings,
  step: 'start' | 'answer',
  clock?: Parameters<typeof toAuthError>[2],
): AuthError {
  const failure = toAuthError(thrown, step, clock);
  const ours =
    isClientAuthenticationFailure(thrown, settings) ||
    // At PAR OpenIddict says invalid_token. Nothing hangs on the code there, so the description is enough.
    (step === 'start' && sendsAssertion(settings) && speaksOfAssertion(thrown));
  // An AuthError is not about the client: userinfo's, say, which is asked after the client was accepted.
  if (!ours || failure === thrown) return withCertificateHint(failure, thrown, settings);
  const error = refusal(thrown);
  const missing = missesCertificate(thrown, settings);
  // Of invalid_grant, the usual hint is about the code and its redirect address, which are not at fault here.
  const what = missing || error === 'invalid_grant' ? error : failure.hint;
  return new AuthError(step === 'start' ? 'provider_error' : 'token_refused', {
    cause: thrown,
    setUp: true,
    hint: `${what}${missing ? missingCertificate : whatToCheck(settings, step)}`,
  });
}

function speaksOfAssertion(thrown: unknown): boolean {
  return /(?<![a-z])(audiences?|aud|assertions?)(?![a-z])/i.test(refusalWords(thrown)?.description ?? '');
}

function whatToCheck(settings: ProviderSettings, step: 'start' | 'answer'): string {
  if (!sendsAssertion(settings)) {
    // Glewlwyd refuses the client where it refuses a pushed signed request.
    return step === 'start' && settings.requestObject
      ? '; or the provider does not accept the signed request: register the public keys that npm run doctor prints, and allow this client private_key_jwt'
      : '';
  }
  if (settings.clientAuth === 'workload_identity') {
    return '; the provider may not trust the token in OIDC_CLIENT_ASSERTION_FILE: compare its issuer, subject and audience with what is registered there (npm run doctor shows them)';
  }
  const names = ['OIDC_CLIENT_ASSERTION_AUDIENCE', 'OIDC_CLIENT_ASSERTION_TYP'];
  if (settings.clientAuth === 'private_key_jwt') names.push('OIDC_CLIENT_KEY_ALG', 'the registered key');
  if (settings.certificateBoundTokens) names.push('the registered certificate (OIDC_CLIENT_CERT_FILE)');
  return `; the provider may not accept this client assertion: check ${names.join(', ')}`;
}
