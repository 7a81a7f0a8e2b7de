import type { Sessions } from './contract.ts';
import type { Keys } from './keys.ts';
import { orderKeptSeconds } from './owner-index.ts';
import type { Records } from './records.ts';

const underWay = '1';
const over = '0';

/**
 * Which answers of the provider have come already, over all instances (R3). The mark is made in one command when the
 * answer comes, before its code is sent; a sign-in that only starts writes nothing. The same command says which endings
 * this sign-in has come after (owner-index.ts): a row of numbers that was lost begins anew, above the endings that may
 * have outlived it on another node.
 */
export function createAnswerMarks(records: Records, keys: Keys): Sessions['answers'] {
  return {
    takeUp(state, seconds) {
      const mark = { key: keys.answer(state), value: underWay, seconds };
      return records.createNumbered(mark, keys.order, orderKeptSeconds);
    },
    async finish(state) {
      await records.set(keys.answer(state), over, 'XX', 'KEEPTTL');
    },
    async isUnderWay(state) {
      return (await records.get(keys.answer(state)))?.toString() === underWay;
    },
  };
}
