import { AuthError } from '../errors/auth-error.ts';
import { sendsAssertion, showsCertificate } from './client-authentication.ts';
import { answerIn, refusal, refusalWords, toAuthError } from './failures.ts';
import type { ProviderSettings } from './settings.ts';

/**
 * Whether an endpoint refused this client, not what it asked for. A wrong audience of a client assertion counts:
 * OpenIddict answers it with `invalid_grant`, which would otherwise end the user's session for a setting of ours.
 * No other description does, for "issued to another client" is a refresh token that is gone. Microsoft Entra answers
 * `invalid_request` where no federated credential fits the platform's token (AADSTS70021 and those that follow). So does
 * a client certificate that did not get there: Keycloak says `invalid_request` then.
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
  if (failure === thrown) return withUserinfoHint(failure, settings);
  if (!ours) return withGrantHint(failure, thrown, settings);
  // Not what is usually wrong with a grant: the code, or its redirect address.
  const error = refusal(thrown);
  const missing = missesCertificate(thrown, settings);
  const what = missing || error === 'invalid_grant' ? error : failure.hint;
  return new AuthError(step === 'start' ? 'provider_error' : 'token_refused', {
    cause: thrown,
    hint: `${what}${missing ? missingCertificate : whatToCheck(settings)}`,
  });
}

const missingCertificate =
  '; the provider did not get the client certificate: have the TLS server of this endpoint ask for it, and a proxy in front pass it on, or name an address that does in mtls_endpoint_aliases';

/** Where it is another one than that of the refresh token, a new sign-in helps: that is no failure of this client's. */
function missesCertificate(thrown: unknown, settings: ProviderSettings): boolean {
  const words = refusalWords(thrown)?.description ?? '';
  return (
    showsCertificate(settings) &&
    /\bcertificat(?:e|ion)\b.*\b(?:missing|not (?:provided|found|present|sent)|required)\b/i.test(words) &&
    !/\b(?:thumbprint|match)/i.test(words)
  );
}

/** Why no bound token is given, most servers do not say: oidc-provider names only the grant. */
function withGrantHint(failure: AuthError, thrown: unknown, settings: ProviderSettings): AuthError {
  if (refusal(thrown) === 'invalid_grant' && settings.certificateBoundTokens)
    failure.hint +=
      ', or the token endpoint did not get the client certificate that tokens are to be bound to';
  return failure;
}

/** A bound token is refused where its certificate does not get (RFC 8705 §3), and few servers say why. */
function withUserinfoHint(failure: AuthError, settings: ProviderSettings): AuthError {
  const isRefused = failure.reason === 'userinfo_refused' && answerIn(failure)?.status === 401;
  if (isRefused && showsCertificate(settings))
    failure.hint +=
      '; if it is bound to the client certificate, userinfo must get that too: see userinfo_endpoint in mtls_endpoint_aliases';
  return failure;
}

function speaksOfAssertion(thrown: unknown): boolean {
  return /(?<![a-z])(audiences?|aud|assertions?)(?![a-z])/i.test(refusalWords(thrown)?.description ?? '');
}

function whatToCheck(settings: ProviderSettings): string {
  if (!sendsAssertion(settings)) return '';
  if (settings.clientAuth === 'workload_identity') {
    return '; the provider may not trust the token in OIDC_CLIENT_ASSERTION_FILE: compare its issuer, subject and audience with what is registered there (npm run doctor shows them)';
  }
  const names = ['OIDC_CLIENT_ASSERTION_AUDIENCE', 'OIDC_CLIENT_ASSERTION_TYP'];
  if (settings.clientAuth === 'private_key_jwt') names.push('OIDC_CLIENT_KEY_ALG', 'the registered key');
  return `; the provider may not accept this client assertion: check ${names.join(', ')}`;
}
