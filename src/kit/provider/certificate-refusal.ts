import type { AuthError } from '../errors/auth-error.ts';
import { showsCertificate } from './client-authentication.ts';
import { answerIn, refusal, refusalWords } from './failures.ts';
import type { ProviderSettings } from './settings.ts';

// A proxy in front of the provider ends TLS, and does not always pass the client certificate on. Few servers say so.

export const missingCertificate =
  '; the provider did not get the client certificate: have the TLS server of this endpoint ask for it, and a proxy in front pass it on, or name an address that does in mtls_endpoint_aliases';

/**
 * Whether the provider says that the certificate did not arrive. Where it is another one than the refresh token is bound
 * to, a new sign-in helps, so that is no failure of this client's.
 */
export function missesCertificate(thrown: unknown, settings: ProviderSettings): boolean {
  const words = refusalWords(thrown)?.description?.slice(0, 300) ?? '';
  return (
    showsCertificate(settings) &&
    /\bcertificat(?:e|ion)\b.*\b(?:missing|not (?:provided|found|present|sent)|required)\b/i.test(words) &&
    !/\b(?:thumbprint|match)/i.test(words)
  );
}

/** The same failure; where a certificate that did not arrive may be the reason, its hint says that too. */
export function withCertificateHint(
  failure: AuthError,
  thrown: unknown,
  settings: ProviderSettings,
): AuthError {
  const more = possibleReason(failure, thrown, settings);
  if (more !== undefined) failure.hint = `${failure.hint ?? failure.reason}${more}`;
  return failure;
}

function possibleReason(failure: AuthError, thrown: unknown, settings: ProviderSettings): string | undefined {
  // oidc-provider says no more where it cannot bind the tokens.
  if (settings.certificateBoundTokens && refusal(thrown) === 'invalid_grant')
    return ', or the token endpoint did not get the client certificate that tokens are to be bound to';
  // A bound token without its certificate is refused as invalid (RFC 8705 §3).
  const isRefused = failure.reason === 'userinfo_refused' && answerIn(failure)?.status === 401;
  if (isRefused && showsCertificate(settings))
    return '; if it is bound to the client certificate, userinfo must get that too: see userinfo_endpoint in mtls_endpoint_aliases';
  return undefined;
}
