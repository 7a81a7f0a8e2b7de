import * as oidc from 'openid-client';
import type { ProviderFetch } from './fetch.ts';

/** Far more than the provider and the APIs of one app. */
const mostOrigins = 100;
/** RFC 9449 §8.1 gives the characters; the length is ours. */
const nonceLooks = /^[\x21\x23-\x5b\x5d-\x7e]{1,500}$/;

/**
 * The nonces that servers want in proofs (RFC 9449 §8, §9): the newest one of each origin, in memory only. Each is used
 * until the server gives another. The library keeps them for one handle, which is one call of ours: without this,
 * each call would be refused once before it is answered.
 */
export class DpopNonces {
  /** The origin that gave its nonce longest ago comes first. */
  readonly #byOrigin = new Map<string, string>();

  /** A fetch whose answers are looked through for nonces. */
  watch(fetch: ProviderFetch): ProviderFetch {
    return async (url, init) => {
      const answer = await fetch(url, init);
      this.learn(new URL(url), answer.headers.get('dpop-nonce'));
      return answer;
    };
  }

  /** Signs proofs with this key. A nonce that came within the same exchange goes before. */
  handle(configuration: oidc.Configuration, key: oidc.CryptoKeyPair): oidc.DPoPHandle {
    return oidc.getDPoPHandle(configuration, key, {
      [oidc.modifyAssertion]: (_header, payload) => {
        payload.nonce ??= this.#nonceFor(String(payload.htu));
      },
    });
  }

  /** The nonce in an answer of this origin, where there is one. */
  learn({ origin }: URL, nonce: string | string[] | null | undefined): void {
    if (typeof nonce !== 'string' || !nonceLooks.test(nonce)) return;
    this.#byOrigin.delete(origin);
    this.#byOrigin.set(origin, nonce);
    const [oldest] = this.#byOrigin.keys();
    if (this.#byOrigin.size > mostOrigins && oldest !== undefined) this.#byOrigin.delete(oldest);
  }

  #nonceFor(htu: string): string | undefined {
    return this.#byOrigin.get(new URL(htu).origin);
  }
}
