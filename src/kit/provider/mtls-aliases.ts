import { AuthError } from '../errors/auth-error.ts';
import { showsCertificate } from './client-authentication.ts';
import { addressProblem, type Metadata } from './metadata.ts';
import type { ProviderSettings } from './settings.ts';

/** The endpoints that this client identifies itself as. */
const called = [
  'token_endpoint',
  'userinfo_endpoint',
  'revocation_endpoint',
  'pushed_authorization_request_endpoint',
] as const;

/**
 * Checks the addresses for calls with a client certificate (RFC 8705 §5) as the usual ones are checked. Only a client that
 * shows a certificate uses them. Whether one is at another provider is checked for the whole metadata.
 *
 * @throws AuthError `discovery_invalid`
 */
export function checkAliases(metadata: Metadata, settings: ProviderSettings): void {
  const aliases: unknown = metadata.mtls_endpoint_aliases;
  if (!showsCertificate(settings) || aliases === undefined || aliases === null) return;
  if (!(aliases instanceof Object) || Array.isArray(aliases)) {
    throw new AuthError('discovery_invalid', {
      hint: "mtls_endpoint_aliases in the provider's metadata is not an object with addresses in it",
    });
  }
  for (const name of called) {
    if (!Object.hasOwn(aliases, name)) continue;
    const address = (aliases as Record<string, unknown>)[name];
    const problem = addressProblem(`mtls_endpoint_aliases.${name}`, address, settings.issuer);
    if (problem !== undefined) throw new AuthError('discovery_invalid', { hint: problem });
  }
}
