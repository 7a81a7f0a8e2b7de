import type { Audit } from '../log/index.ts';
import type { ProviderCall } from './fetch.ts';

/** Whether the provider answers, how far its clock is from ours, and the two audit events about it. */
export class ProviderHealth {
  readonly #audit: Audit;
  readonly #issuer: string;
  #lost = false;
  #answeredAt = 0;
  /** Seconds that the provider's clock is ahead of ours, by its last Date header, if it ever sent one. */
  clockDrift: number | undefined;

  constructor(audit: Audit, issuer: string) {
    this.#audit = audit;
    this.#issuer = issuer;
  }

  /** Milliseconds since the provider last answered anything. */
  get sinceAnswer(): number {
    return this.#lost ? Number.POSITIVE_INFINITY : Date.now() - this.#answeredAt;
  }

  observe({ date, failure }: Pick<ProviderCall, 'date' | 'failure'>): void {
    if (failure) {
      if (!this.#lost) this.#audit('provider.lost', { iss: this.#issuer, reason: failure.message });
      this.#lost = true;
      return;
    }
    if (this.#lost) this.#audit('provider.found', { iss: this.#issuer });
    this.#lost = false;
    this.#answeredAt = Date.now();
    if (date !== undefined) this.clockDrift = Math.round((date - Date.now()) / 1000);
  }
}
