import type { Sessions } from './contract.ts';
import type { Keys } from './keys.ts';
import type { Records } from './records.ts';

const underWay = '1';
const over = '0';

/**
 * Which answers of the provider have come already, over all instances (R3). The mark is made in one command when the
 * answer comes, before its code is sent; a sign-in that only starts writes nothing.
 */
export function createAnswerMarks(records: Records, keys: Keys): Sessions['answers'] {
  return {
    takeUp: (state, seconds) => records.set(keys.answer(state), underWay, 'NX', seconds),
    async finish(state) {
      await records.set(keys.answer(state), over, 'XX', 'KEEPTTL');
    },
    async isUnderWay(state) {
      return (await records.get(keys.answer(state)))?.toString() === underWay;
    },
  };
}
