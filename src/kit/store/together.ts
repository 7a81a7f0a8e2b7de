import { tagOf } from './cluster-slot.ts';
import type { StoreError } from './records.ts';

type Together = (keys: readonly string[], step: (keys: readonly string[]) => Promise<void>) => Promise<void>;

/**
 * Does one thing with many keys: in one step where they are on one server, so that it costs one command. In a cluster a
 * command may only name keys of one hash tag, so there it is a step for each tag, all of them at once.
 *
 * A single server may be a part of a cluster, or a service that hides one behind one address. It refuses the step
 * (CROSSSLOT) before it has done anything of it; from then on there is a step for each tag there, too.
 */
export function createTogether({ apart }: { apart: boolean }): Together {
  return async (keys, step) => {
    if (!apart) {
      try {
        return await step(keys);
      } catch (error) {
        if (!isCrossSlot(error as StoreError)) throw error;
        apart = true;
      }
    }
    await Promise.all([...Map.groupBy(keys, tagOf).values()].map(step));
  };
}

function isCrossSlot({ cause }: StoreError): boolean {
  return cause instanceof Error && /^CROSSSLOT\b/.test(cause.message);
}
