/** A command that got no answer in time. */
export class Overdue extends Error {
  override name = 'Overdue';
}

const tickMs = 100;

interface Waiting {
  since: number;
  reject(error: Error): void;
}

/**
 * One slow clock over all pending commands (R14): cheaper than a timer or an AbortSignal for each, which is
 * what node-redis would make; and its own timeout ends when a command has been written, not when it is
 * answered. Counts ticks, not time: a process that stood still for a while has not lost its Redis.
 */
export function createDeadline(ms: number): <T>(work: Promise<T>) => Promise<T> {
  const limit = Math.floor(ms / tickMs);
  const waiting = new Set<Waiting>();
  let now = 0;
  let clock: NodeJS.Timeout | undefined;

  function tick(): void {
    now++;
    // In the order in which they came: the first that is still young ends the search.
    for (const each of waiting) {
      if (now - each.since < limit) break;
      waiting.delete(each);
      each.reject(new Overdue(`no answer within ${ms} ms`));
    }
    if (waiting.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  }

  return (work) =>
    new Promise((resolve, reject) => {
      const entry = { since: now, reject };
      waiting.add(entry);
      clock ??= setInterval(tick, tickMs);
      work.then(
        (value) => {
          waiting.delete(entry);
          resolve(value);
        },
        (error) => {
          waiting.delete(entry);
          reject(error);
        },
      );
    });
}
