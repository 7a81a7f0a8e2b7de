type Undo = () => void;

/**
 * Puts a `Date` that is ahead in the place of the one that is there, which may be that of a test framework's fake
 * timers. What it makes are ordinary dates, and `instanceof` finds no difference.
 */
export function moveDate(ahead: () => number): Undo {
  // Fake timers that end after us put ours back.
  const original = originals.get(globalThis.Date) ?? globalThis.Date;
  const now = () => original.now() + ahead();
  // Not the original itself: a test that replaces `Date.now` would replace what this one asks.
  function own(): void {}
  Object.setPrototypeOf(own, original);
  Object.defineProperty(own, 'name', { value: 'Date' });
  Object.assign(own, { now, prototype: original.prototype });
  const moved = new Proxy(own, {
    apply: () => new original(now()).toString(),
    construct: (_own, given, target) =>
      Reflect.construct(original, given.length === 0 ? [now()] : given, target) as object,
  }) as unknown as DateConstructor;
  originals.set(moved, original);
  globalThis.Date = moved;
  return () => {
    if (globalThis.Date === moved) globalThis.Date = original;
  };
}

/** What our own are in the place of. */
const originals = new WeakMap<DateConstructor, DateConstructor>();

/** The same for `Temporal.Now`, which Node has from version 26 on. */
export function moveTemporal(ahead: () => number): Undo {
  const { Temporal: temporal } = globalThis as { Temporal?: { Now: TemporalNow } };
  if (!temporal) return () => {};
  const { Now } = temporal;
  const { instant, zonedDateTimeISO, plainDateTimeISO, plainDateISO, plainTimeISO } = Now;
  const zoned = (zone?: unknown) => zonedDateTimeISO(zone).add({ milliseconds: ahead() });
  Object.assign(Now, {
    instant: () => zoned().toInstant(),
    zonedDateTimeISO: zoned,
    plainDateTimeISO: (zone?: unknown) => zoned(zone).toPlainDateTime(),
    plainDateISO: (zone?: unknown) => zoned(zone).toPlainDate(),
    plainTimeISO: (zone?: unknown) => zoned(zone).toPlainTime(),
  });
  return () =>
    void Object.assign(Now, { instant, zonedDateTimeISO, plainDateTimeISO, plainDateISO, plainTimeISO });
}

/** As much of it as is used here: our TypeScript's library does not have it yet. */
interface TemporalNow {
  instant(): unknown;
  zonedDateTimeISO(zone?: unknown): ZonedDateTime;
  plainDateTimeISO(zone?: unknown): unknown;
  plainDateISO(zone?: unknown): unknown;
  plainTimeISO(zone?: unknown): unknown;
}

interface ZonedDateTime {
  add(duration: { milliseconds: number }): ZonedDateTime;
  toInstant(): unknown;
  toPlainDateTime(): unknown;
  toPlainDate(): unknown;
  toPlainTime(): unknown;
}
