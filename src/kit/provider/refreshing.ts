/**
 * A value that is fetched when it is first needed, kept, and fetched anew in the background when it is older
 * than `maxAgeMs`. While its source is away the old copy is used (R21). Callers at the same moment share one fetch.
 */
export class Refreshing<T> {
  readonly #fetch: () => Promise<T>;
  readonly #maxAgeMs: number;
  #value: T | undefined;
  #fetchedAt = 0;
  #triedAt = 0;
  #pending: Promise<T> | undefined;

  constructor(fetch: () => Promise<T>, maxAgeMs: number) {
    this.#fetch = fetch;
    this.#maxAgeMs = maxAgeMs;
  }

  /** The copy at hand, if there is one. */
  get current(): T | undefined {
    return this.#value;
  }

  /** The copy at hand, else a first one. Rejects only while there never was one. */
  async get(): Promise<T> {
    if (this.#value === undefined) return this.refresh();
    const now = Date.now();
    // A source that is away is asked again every ten seconds at most.
    if (now - this.#fetchedAt > this.#maxAgeMs && now - this.#triedAt > 10_000)
      this.refresh().catch(() => {});
    return this.#value;
  }

  /** Fetches now; joins a fetch that is under way. */
  refresh(): Promise<T> {
    this.#pending ??= this.#fetchOnce().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #fetchOnce(): Promise<T> {
    this.#triedAt = Date.now();
    const value = await this.#fetch();
    this.#value = value;
    this.#fetchedAt = Date.now();
    return value;
  }
}
