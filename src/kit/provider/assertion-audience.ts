import { AuthError } from '../errors/auth-error.ts';
import type { Log } from '../log/index.ts';
import { assertionAudience, sendsAssertion, showsCertificate } from './client-authentication.ts';
import type { Metadata } from './metadata.ts';
import type { ProviderSettings } from './settings.ts';

/**
 * The bounds of a client assertion that is not for the issuer alone. Whoever gets one for the token endpoint can show
 * it there and be taken for this app, so it goes nowhere else (draft-ietf-oauth-rfc7523bis). A platform's token is good
 * wherever its audience says, which we may not know. One for the issuer needs no bounds. That none goes to another
 * provider of this app is checked with the metadata.
 */
export class AssertionAudience {
  readonly #settings: ProviderSettings;
  readonly #log: Log;
  readonly #bounded: boolean;
  #warned = false;

  constructor(settings: ProviderSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.#bounded = sendsAssertion(settings) && assertionAudience(settings) !== 'issuer';
    this.warn();
  }

  /**
   * Says once that this setting and what else is on do not go together well.
   *
   * @param metadata as soon as it is there
   */
  warn(metadata?: Metadata): void {
    const { par, dpop, clientAssertionAudience } = this.#settings;
    // Where it is not the setting that decides, another one would not help.
    if (!this.#bounded || this.#warned || clientAssertionAudience !== 'token_endpoint') return;
    const pushes = par === 'auto' && metadata?.pushed_authorization_request_endpoint !== undefined;
    const reasons = [
      ...(par === 'require' || pushes ? ['pushed authorization requests (OIDC_PAR)'] : []),
      ...(dpop ? ['OIDC_DPOP'] : []),
    ];
    if (reasons.length === 0) return;
    this.#warned = true;
    this.#log.warn(
      { hint: 'set OIDC_CLIENT_ASSERTION_AUDIENCE=issuer if the provider accepts it (FAPI 2.0 §5.3.3.1)' },
      `client assertions for the token endpoint are used together with ${reasons.join(' and ')}`,
    );
  }

  /** @throws AuthError when an assertion would go where it could be misused */
  demand(address: string, metadata: Metadata): void {
    const { origin } = new URL(address);
    if (!this.#bounded || this.#tokenOrigins(metadata).includes(origin)) return;
    throw new AuthError('discovery_invalid', {
      hint: `nothing was sent to ${origin}: ${this.#why()}, or OIDC_PAR=off if it is the PAR endpoint`,
    });
  }

  /** With a client certificate the token endpoint may have a second address (RFC 8705 §5). */
  #tokenOrigins({ token_endpoint, mtls_endpoint_aliases }: Metadata): string[] {
    const alias = showsCertificate(this.#settings) ? mtls_endpoint_aliases?.token_endpoint : undefined;
    return [token_endpoint, alias].flatMap((each) => (each === undefined ? [] : new URL(each).origin));
  }

  #why(): string {
    const { clientAuth, clientAssertionAudience } = this.#settings;
    if (clientAuth === 'workload_identity') {
      return "the token in OIDC_CLIENT_ASSERTION_FILE goes to the token endpoint's origin only; check the metadata of OIDC_ISSUER";
    }
    const rule = "a client assertion goes to the token endpoint's origin only";
    return clientAssertionAudience === 'token_endpoint'
      ? `with OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint ${rule}; use issuer`
      : `at this provider ${rule}; check the metadata of OIDC_ISSUER`;
  }
}
