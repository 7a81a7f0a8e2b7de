import { setTimeout as sleep } from 'node:timers/promises';

/** So many ask the provider at once: more sockets than that are of no use to it, and a process has only so many. */
const mostAtOnce = 200;
/** How long one waits for its turn, in milliseconds. Then it is an attempt without success, and comes again later. */
const patienceMs = 1_000;
/** After that the next one asks, whatever became of the one before. */
const longestProbeMs = 5_000;
/** Between two that ask a provider which is away: one that says so at once (429, 503) is not asked in a row. */
const betweenProbesMs = 200;

/** Whether what was asked got an answer. */
interface Asked {
  unanswered: boolean;
}

interface Probe {
  beganAt: number;
  /** Settles when it is done, or has taken longer than anybody waits. */
  news: Promise<unknown>;
}

interface Turn {
  /** How long to wait before asking. */
  afterMs: number;
  end(): void;
}

/**
 * Lets rechecks ask one provider in turn. Each session has its own recheck, so of a busy site all of them would ask a
 * provider that does not answer, once a minute each, and hold as many connections for the five seconds that it is waited
 * for. While it does not answer only one at a time asks, and the others learn from that one.
 */
export function createTurns() {
  let running = 0;
  /** Said by the last one that asked. */
  let away = false;
  let awayAt = Number.NEGATIVE_INFINITY;
  /** The one that asks while the provider is away. */
  let probe: Probe | undefined;
  const waiting = new Set<() => void>();

  /** Takes a turn as soon as there is one. Undefined: the provider is away, or too many are before this one. */
  async function takeTurn(): Promise<Turn | undefined> {
    const late = performance.now() + patienceMs;
    for (;;) {
      if (away) {
        if (!probe || Date.now() - probe.beganAt > longestProbeMs) return begin(true);
        await probe.news;
        if (away) return undefined;
      } else if (running < mostAtOnce) return begin(false);
      else if (!(await oneIsDone(late - performance.now()))) return undefined;
    }
  }

  /** At once, so that nobody else takes the same turn. */
  function begin(probes: boolean): Turn {
    running++;
    let own: Probe | undefined;
    let told = () => {};
    if (probes) {
      const done = new Promise<void>((resolve) => {
        told = resolve;
      });
      const late = sleep(patienceMs, undefined, { ref: false });
      probe = own = { beganAt: Date.now(), news: Promise.race([done, late]) };
    }
    return {
      afterMs: probes ? awayAt + betweenProbesMs - performance.now() : 0,
      end() {
        running--;
        if (own && probe === own) probe = undefined;
        told();
        wakeNext();
      },
    };
  }

  async function oneIsDone(ms: number): Promise<boolean> {
    let go = () => {};
    const done = new Promise<boolean>((resolve) => {
      go = () => resolve(true);
    });
    waiting.add(go);
    const late = new AbortController();
    try {
      return await Promise.race([done, sleep(Math.max(0, ms), false, { signal: late.signal })]);
    } finally {
      waiting.delete(go);
      late.abort();
    }
  }

  function wakeNext(): void {
    for (const go of waiting) {
      waiting.delete(go);
      go();
      // While the provider is away, all learn from the next one that asks.
      if (!away) return;
    }
  }

  /** @returns undefined where there was no turn for it, so nothing was asked */
  return async function inTurn<T extends Asked>(ask: () => Promise<T>): Promise<T | undefined> {
    const turn = await takeTurn();
    if (!turn) return undefined;
    try {
      if (turn.afterMs > 0) await sleep(turn.afterMs);
      const asked = await ask();
      away = asked.unanswered;
      if (away) awayAt = performance.now();
      return asked;
    } finally {
      turn.end();
    }
  };
}
