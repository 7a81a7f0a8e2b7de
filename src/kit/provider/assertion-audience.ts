import { AuthError } from '../errors/auth-error.ts';
import type { Log } from '../log/index.ts';
import { sendsAssertion } from './client-authentication.ts';
import type { Metadata } from './metadata.ts';
import type { ProviderSettings } from './settings.ts';

/**
 * The bounds of a client assertion whose audience is the token endpoint. Whoever gets one can show it there and be
 * taken for this app, so it goes nowhere else (draft-ietf-oauth-rfc7523bis). One for the issuer needs no bounds.
 */
export class AssertionAudience {
  readonly #settings: ProviderSettings;
  readonly #log: Log;
  readonly #bounded: boolean;
  #warned = false;

  constructor(settings: ProviderSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.#bounded = settings.clientAssertionAudience === 'token_endpoint' && sendsAssertion(settings);
    this.warn();
  }

  /**
   * Says once that this setting and what else is on do not go together well.
   *
   * @param metadata as soon as it is there
   */
  warn(metadata?: Metadata): void {
    if (!this.#bounded || this.#warned) return;
    const { par, dpop } = this.#settings;
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

  /** @throws AuthError when an assertion for the token endpoint would go to another origin */
  demand(address: string, { token_endpoint }: Metadata): void {
    const { origin } = new URL(address);
    if (!this.#bounded || origin === new URL(token_endpoint).origin) return;
    throw new AuthError('discovery_invalid', {
      hint: `nothing was sent to ${origin}: with OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint a client assertion goes to the token endpoint's origin only; use issuer, or OIDC_PAR=off if it is the PAR endpoint`,
    });
  }
}
