import { apiCalls, prepareApiCall } from './api-calls.ts';
import type { Running } from './contestants.ts';
import type { Mode } from './mode.ts';
import { proxySection } from './more-results.ts';
import { duel, inOrder, quick, thorough } from './rounds.ts';

/** Calls to an API behind the app, and the same by hand. */
export const proxy: Mode = {
  about: 'calls to an API through `proxy` and by hand',
  async run({ around, redis, quick: isQuick }) {
    const { calls } = isQuick ? quick : thorough;
    const measured = await inOrder(apiCalls, async (call) => {
      const prepare = (running: Running) => prepareApiCall(running, redis, calls, call);
      return [call, await duel(['appProxy', 'byHand'], around, calls, prepare)] as const;
    });
    return [proxySection(measured, calls)];
  },
};
