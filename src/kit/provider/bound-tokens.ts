import type { Metadata } from './metadata.ts';
import type { ProviderSettings } from './settings.ts';
import { unverifiedClaims } from './unverified.ts';
import type { WarnOnce } from './warn-once.ts';

/**
 * Access tokens that are to be bound to the client certificate (RFC 8705 §3). Nothing in a token answer says whether
 * they are, and one that is not works everywhere, so nobody would notice. What can be seen is logged, once each.
 */
export class BoundTokens {
  readonly #wanted: boolean;
  readonly #warnOnce: WarnOnce;

  constructor(
    { certificateBoundTokens }: Pick<ProviderSettings, 'certificateBoundTokens'>,
    warnOnce: WarnOnce,
  ) {
    this.#wanted = certificateBoundTokens;
    this.#warnOnce = warnOnce;
  }

  /** Where the member is left out, it is false (RFC 8705 §3.3). */
  checkMetadata({ tls_client_certificate_bound_access_tokens: binds }: Metadata): void {
    if (!this.#wanted || binds === true) return;
    this.#warnOnce(
      "the provider's metadata does not say that it binds access tokens to certificates",
      'tls_client_certificate_bound_access_tokens is not true there: switch it on at the provider, or use OIDC_DPOP instead of OIDC_CERTIFICATE_BOUND_TOKENS',
    );
  }

  /** An opaque token says nothing. In a JWT only the thumbprint is looked for: the rest is for the API. */
  checkToken(accessToken: string): void {
    if (!this.#wanted) return;
    const { cnf, ...others } = unverifiedClaims(accessToken);
    const isReadable = cnf !== undefined || Object.keys(others).length > 0;
    if (!isReadable || typeof Object(cnf)['x5t#S256'] === 'string') return;
    this.#warnOnce(
      'the provider gives access tokens that are not bound to the client certificate',
      'cnf in the access token has no x5t#S256: register this client for such tokens (tls_client_certificate_bound_access_tokens), and check that the TLS server in front of the token endpoint asks for the certificate and passes it on',
    );
  }

  /** @param address of an API */
  checkApi(address: string | URL): void {
    if (!this.#wanted) return;
    const { protocol, origin } = new URL(address);
    if (protocol !== 'http:') return;
    this.#warnOnce(
      `the API at ${origin} is called without TLS, and cannot see the certificate that access tokens are bound to`,
      "use https in the API's `url` in site.ts: over http, such a token is refused, or nobody checks what it is bound to",
    );
  }
}
