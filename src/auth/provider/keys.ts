import { setTimeout } from 'node:timers/promises';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { nameless } from './algorithms.ts';
import { type ProviderFetch, UnusableAnswer } from './fetch.ts';
import { Refreshing } from './refreshing.ts';

const maxAgeMs = 5 * 60_000;
/** An unknown key id may force a new fetch, but not more often than this: garbage must not hammer the provider. */
const minForcedMs = 3_000;

/** The provider's signing keys, fetched from the configured `jwks_uri` and from nowhere else (ASVS 9.1.3). */
export class ProviderKeys {
  readonly #keys: Refreshing<JSONWebKeySet>;
  #forcedAt = 0;
  #nextForced: Promise<unknown> | undefined;

  constructor(jwksUri: () => Promise<string>, fetch: ProviderFetch) {
    this.#keys = new Refreshing(async () => {
      const response = await fetch(await jwksUri(), { headers: { accept: 'application/json' } });
      const body: unknown =
        response.status === 200 ? await response.json().catch(() => undefined) : undefined;
      if (!isKeySet(body)) throw new UnusableAnswer('jwks_uri holds no key set');
      return { keys: body.keys.map(nameless) };
    }, maxAgeMs);
  }

  /** The set at hand, if there is one; another object each time it was fetched. */
  get current(): JSONWebKeySet | undefined {
    return this.#keys.current;
  }

  get(): Promise<JSONWebKeySet> {
    return this.#keys.get();
  }

  /**
   * Fetches the keys anew if `kid`, just seen in a token's header, is not among them: keys may rotate between the
   * redirect and the answer. Without a key id only the age of the set can tell.
   *
   * @param patient waits for its turn when keys were fetched a moment ago (a sign-in); else lets it be (anybody's call)
   */
  async ensure(kid: string | undefined, patient: boolean): Promise<void> {
    const known = async () => kid !== undefined && (await this.get()).keys.some((key) => key.kid === kid);
    if (await known()) return;
    const wait = Math.max(0, this.#forcedAt + minForcedMs - Date.now());
    if (wait > 0 && (!patient || kid === undefined)) return;
    this.#nextForced ??= setTimeout(wait).then(() => {
      this.#nextForced = undefined; // Who comes from here on waits for the next one.
      this.#forcedAt = Date.now();
      return this.#keys.refresh();
    });
    await this.#nextForced;
  }

  /** For jose's verifiers of what anybody may send (logout tokens). */
  readonly resolve: JWTVerifyGetKey = async (header, token) => {
    await this.ensure(header.kid, false);
    return createLocalJWKSet(await this.get())(header, token);
  };
}

function isKeySet(body: unknown): body is JSONWebKeySet {
  const keys: unknown = (body as { keys?: unknown } | undefined)?.keys;
  return Array.isArray(keys) && keys.every((key) => typeof key?.kty === 'string');
}
