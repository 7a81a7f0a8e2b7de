interface Entry<T> {
  value: T;
  bytes: number;
}

/** Node takes no longer one. */
const longestTimerMs = 2 ** 31 - 1;

interface Bounds {
  entries: number;
  bytes: number;
  /** How long an entry that nobody asks for is kept at most: twice as many milliseconds. */
  unusedMs: number;
}

/**
 * What was worked out before, for as long as there is room: of all entries the half that was not asked for lately goes at
 * once. However many people come, it takes no more of the process' memory than its bounds say (R23).
 */
export class Remembered<T> {
  readonly #most: Bounds;
  /** What was put here or asked for since the last change of halves, and what was before that. */
  #recent = new Map<string, Entry<T>>();
  #older = new Map<string, Entry<T>>();
  #recentBytes = 0;
  #aging: NodeJS.Timeout | undefined;

  constructor(bounds: Bounds) {
    this.#most = { ...bounds, entries: bounds.entries / 2, bytes: bounds.bytes / 2 };
  }

  get(key: string): T | undefined {
    const recent = this.#recent.get(key);
    if (recent) return recent.value;
    const older = this.#older.get(key);
    if (older) this.#put(key, older);
    return older?.value;
  }

  /** @param bytes about how many the value and its key take */
  set(key: string, value: T, bytes: number): void {
    this.#put(key, { value, bytes });
  }

  delete(key: string): void {
    this.#recentBytes -= this.#recent.get(key)?.bytes ?? 0;
    this.#recent.delete(key);
    this.#older.delete(key);
  }

  #put(key: string, entry: Entry<T>): void {
    this.delete(key);
    // One that takes the whole half would have all others forgotten.
    if (entry.bytes > this.#most.bytes) return;
    const hasRoom =
      this.#recent.size < this.#most.entries && this.#recentBytes + entry.bytes <= this.#most.bytes;
    if (!hasRoom) this.#changeHalves();
    this.#recent.set(key, entry);
    this.#recentBytes += entry.bytes;
    this.#aging ??= this.#age();
  }

  /** Ends when nothing is left, so that nobody has to stop it. */
  #age(): NodeJS.Timeout {
    const older = () => {
      this.#changeHalves();
      this.#aging = this.#older.size > 0 ? this.#age() : undefined;
    };
    return setTimeout(older, Math.min(this.#most.unusedMs, longestTimerMs)).unref();
  }

  #changeHalves(): void {
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#recentBytes = 0;
  }
}
