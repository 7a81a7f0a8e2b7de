import { setTimeout } from 'node:timers/promises';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { type ProviderFetch, Unreachable, UnusableAnswer } from './fetch.ts';
import { usableKeys } from './key-set.ts';
import { keysOfIssuer } from './quirks.ts';
import { Refreshing } from './refreshing.ts';

const maxAgeMs = 5 * 60_000;
/** An unknown key id may force a new fetch, but not more often than this: garbage must not hammer the provider. */
const minForcedMs = 3_000;
/** So many calls that anybody may make wait for such a fetch at once (R23). */
const mostWaiting = 20;

/** The provider's signing keys, fetched from the configured `jwks_uri` and from nowhere else (ASVS 9.1.3). */
export class ProviderKeys {
  readonly #keys: Refreshing<JSONWebKeySet>;
  #forcedAt = 0;
  #underWay: Promise<unknown> | undefined;
  #nextForced: Promise<unknown> | undefined;
  #waiting = 0;
  /** Each copies the set and imports its keys: once for each set, not once for each token that anybody sends (R23). */
  #verifiers: { of?: JSONWebKeySet; byKeys: Map<string, JWTVerifyGetKey> } = { byKeys: new Map() };

  /** @param alg the one algorithm that they verify (R2) */
  constructor(jwksUri: () => Promise<string>, fetch: ProviderFetch, alg: string) {
    this.#keys = new Refreshing(async () => {
      const response = await fetch(await jwksUri(), { headers: { accept: 'application/json' } });
      const body: unknown =
        response.status === 200 ? await response.json().catch(() => undefined) : undefined;
      try {
        return usableKeys(body, alg);
      } catch (error) {
        throw new UnusableAnswer((error as Error).message);
      }
    }, maxAgeMs);
  }

  /** The set at hand, if there is one, with the keys that we can use; another object each time it was fetched. */
  get current(): JSONWebKeySet | undefined {
    return this.#keys.current;
  }

  get(): Promise<JSONWebKeySet> {
    return this.#keys.get();
  }

  /** The set as it is published now, give or take three seconds; else the copy at hand. Never rejects. */
  async latest(): Promise<JSONWebKeySet | undefined> {
    const turn = Date.now() >= this.#forcedAt + minForcedMs ? this.#fetchNow() : this.#underWay;
    await turn?.catch(() => {});
    return this.current;
  }

  /**
   * Fetches the keys anew if `kid`, just seen in a token's header, is not among them: keys may rotate between the
   * redirect and the answer. Fetches are three seconds apart, and who needs one waits its turn.
   *
   * @param solicited false for what anybody may send: of those, twenty wait at most, for the first set too
   * @throws Unreachable when twenty wait already
   */
  async ensure(kid: string | undefined, solicited: boolean): Promise<void> {
    try {
      await this.#ensure(kid, solicited);
    } catch (error) {
      // A token that names no key is most likely signed with one at hand. Else nobody could sign in at a provider that
      // names none while its key set is away (R21), or while twenty tokens that anybody made up wait.
      if (kid !== undefined || !this.current) throw error;
    }
  }

  async #ensure(kid: string | undefined, solicited: boolean): Promise<void> {
    if (solicited || this.current) await this.get();
    if (this.#isAtHand(kid)) return;
    if (solicited) return this.#takeTurn(kid);
    if (this.#waiting >= mostWaiting) throw new Unreachable("later: too many wait for the provider's keys");
    this.#waiting += 1;
    try {
      await this.#takeTurn(kid);
    } finally {
      this.#waiting -= 1;
    }
  }

  /**
   * For jose's verifiers of what anybody may send (logout tokens).
   *
   * @param issuer one of ours; of several that publish their keys together, only its own count
   */
  async resolve(...[header, token, issuer]: [...Parameters<JWTVerifyGetKey>, string]) {
    await this.ensure(header.kid, false);
    const of = await this.get();
    return this.#verifier(of, issuer)(header, token);
  }

  /** One for each choice of keys, not for each issuer: where every tenant is let in, anybody may make up a tenant. */
  #verifier(of: JSONWebKeySet, issuer: string): JWTVerifyGetKey {
    if (this.#verifiers.of !== of) this.#verifiers = { of, byKeys: new Map() };
    const { byKeys } = this.#verifiers;
    const own = keysOfIssuer(of, issuer);
    const chosen = new Set(own.keys);
    const which = of.keys.map((key) => (chosen.has(key) ? 1 : 0)).join('');
    const find = byKeys.get(which) ?? createLocalJWKSet(own);
    byKeys.set(which, find);
    return find;
  }

  async #takeTurn(kid: string | undefined): Promise<void> {
    // A fetch that has begun may bring the key.
    await this.#underWay?.catch(() => {});
    if (this.#isAtHand(kid)) return;
    this.#nextForced ??= this.#fetchNext();
    await this.#nextForced;
  }

  async #fetchNext(): Promise<void> {
    const last = this.#forcedAt;
    await setTimeout(Math.max(0, last + minForcedMs - Date.now()));
    this.#nextForced = undefined;
    // A sign-out may have asked in that very moment (`latest`).
    await (this.#forcedAt === last ? this.#fetchNow() : this.#underWay);
  }

  #fetchNow(): Promise<unknown> {
    this.#forcedAt = Date.now();
    this.#underWay = this.#keys.refresh().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** Without a key id only the age of the set can tell. */
  #isAtHand(kid: string | undefined): boolean {
    if (!this.current) return false;
    if (kid === undefined) return Date.now() < this.#forcedAt + minForcedMs;
    return this.current.keys.some((key) => key?.kid === kid);
  }
}
