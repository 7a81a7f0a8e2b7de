import type { Log } from '../log/index.ts';
import type { Metadata } from './metadata.ts';
import type { ProviderSettings } from './settings.ts';
import { unverifiedClaims } from './unverified.ts';

/**
 * Access tokens that are to be bound to the client certificate (RFC 8705 §3). Nothing in a token answer says whether
 * they are, and one that is not works everywhere, so nobody would notice. What can be seen is logged, once each.
 */
export class BoundTokens {
  readonly #log: Log;
  readonly #wanted: boolean;
  readonly #said = new Set<string>();

  constructor({ certificateBoundTokens }: Pick<ProviderSettings, 'certificateBoundTokens'>, log: Log) {
    this.#wanted = certificateBoundTokens;
    this.#log = log;
  }

  /** Left out, it is false (RFC 8705 §3.3). */
  readMetadata({ tls_client_certificate_bound_access_tokens: binds }: Metadata): void {
    if (binds === true) return;
    this.#warnOnce(
      "the provider's metadata does not say that it binds access tokens to certificates",
      'tls_client_certificate_bound_access_tokens is not true there: switch it on at the provider, or use OIDC_DPOP instead of OIDC_CERTIFICATE_BOUND_TOKENS',
    );
  }

  /** Looks for a thumbprint where a token is a JWT that can be read. Nothing else in it is ours to read. */
  look(accessToken: string): void {
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
  call(address: string | URL): void {
    if (!this.#wanted) return;
    const { protocol, origin } = new URL(address);
    if (protocol !== 'http:') return;
    this.#warnOnce(
      `the API at ${origin} is called without TLS, and cannot see the certificate that access tokens are bound to`,
      "use https in the API's `url` in site.ts: over http, such a token is refused, or nobody checks what it is bound to",
    );
  }

  #warnOnce(message: string, hint: string): void {
    if (!this.#wanted || this.#said.has(message)) return;
    this.#said.add(message);
    this.#log.warn({ hint }, message);
  }
}
