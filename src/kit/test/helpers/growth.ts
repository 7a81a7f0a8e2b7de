/** Work whose time grows with its input doubles; with the square of the input, it grows fourfold. */
export const linear = 3;

const rounds = 5;
const clocks = {
  /** Exact, but other programs' work counts too. */
  wall: { enoughMs: 5, now: () => performance.now() },
  /** This thread's own, but the system counts it in ticks of some milliseconds. */
  cpu: {
    enoughMs: 60,
    now: () => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1_000;
    },
  },
};

/**
 * How many times longer the work takes when its input doubles: the best of five, at `size` and twice that. Small work
 * is repeated, as often for both, until it takes 5 ms. What looks too long is measured again in CPU time, so that a
 * busy machine fails no test. Input is made in `prepare`, which is not measured.
 *
 * @param prepare makes the work for an input of so many letters, values or levels
 */
export async function growth(size: number, prepare: (size: number) => () => unknown): Promise<number> {
  const works = [prepare(size), prepare(2 * size)] as const;
  const quick = await ratioOf(works, clocks.wall);
  if (quick < 2.5) return quick;
  const exact = await ratioOf(works, clocks.cpu);
  // Once more where it is close: other programs that share our caches make larger inputs slower than they are.
  return exact < linear || exact > 3.6 ? exact : Math.min(exact, await ratioOf(works, clocks.cpu));
}

type Clock = (typeof clocks)[keyof typeof clocks];
type Work = () => unknown;

async function ratioOf([once, twice]: readonly [Work, Work], clock: Clock): Promise<number> {
  const repeats = await enough(once, clock);
  await timeOf(twice, 1, clock);
  let [best, bestTwice] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < rounds; round++) {
    best = Math.min(best, await timeOf(once, repeats, clock));
    bestTwice = Math.min(bestTwice, await timeOf(twice, repeats, clock));
  }
  return bestTwice / best;
}

/** How often it has to be done. Also has it compiled before it is measured. */
async function enough(work: Work, clock: Clock): Promise<number> {
  for (let repeats = 1; ; ) {
    const took = await timeOf(work, repeats, clock);
    if (took >= clock.enoughMs) return repeats;
    repeats = Math.ceil(repeats * Math.min(10, (1.5 * clock.enoughMs) / Math.max(took, 0.01)));
  }
}

async function timeOf(work: Work, repeats: number, { now }: Clock): Promise<number> {
  const start = now();
  for (let time = 0; time < repeats; time++) {
    const result = work();
    if (result instanceof Promise) await result;
  }
  return now() - start;
}
