import { type ApiCall, apiCalls, prepareApiCall } from './api-calls.ts';
import type { Running } from './contestants.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import { few, round, type Section, table, times, title } from './results.ts';
import { duel, inOrder, medianOf, type Pace, quick, ratioOf, type Samples, thorough } from './rounds.ts';
import { how } from './tables.ts';

/** Calls to an API behind the app, and the same by hand. */
export const proxy: Mode = {
  about: 'calls to an API through `proxy` and by hand',
  async run({ around, redis, quick: isQuick }) {
    const { calls } = isQuick ? quick : thorough;
    const measured = await inOrder(apiCalls, async (call) => {
      const prepare = (running: Running) => prepareApiCall(running, redis, call);
      return [call, await duel(['appProxy', 'byHand'], around, calls, prepare)] as const;
    });
    return [proxySection(measured, calls)];
  },
};

/** Each kind of call, how many there are in a second, and the ratios within a round. */
function proxySection(measured: (readonly [ApiCall, Samples])[], pace: Pace): Section {
  const ratios = measured.map(([call, samples]) => [
    call.title,
    times(ratioOf(samples, 'appProxy', 'byHand', 'perSecond')),
    times(ratioOf(samples, 'byHand', 'appProxy', 'cpuMicros')),
  ]);
  const figures = measured.flatMap(([call, samples]) =>
    (['appProxy', 'byHand'] as const).map((name) => [
      `${call.title}, ${title(name)}`,
      ...['perSecond', 'cpuMicros'].map((figure) => round(medianOf(samples, name, figure))),
      ...['p50', 'p99', 'redisCommands'].map((figure) => few(medianOf(samples, name, figure))),
    ]),
  );
  const text = [
    `${measuredOn()} ${how(pace)}`,
    `By hand is express-session in Redis, openid-client and httpxy (servers/proxy-by-hand.js), the best-maintained plain proxy library: http-proxy has had no release since 2020, and http-proxy-middleware builds on httpxy since its version 4. It passes on each header of the browser and of the API except the cookie, and does not check who calls.

A POST of this app uses a connection of its own: one that was kept open may be closed just as a request arrives, and then nobody knows whether the API has processed it.`,
    table(['this app against by hand', 'calls', 'CPU'], ratios),
    table(['', 'calls/s', 'CPU µs', 'p50 ms', 'p99 ms', 'Redis'], figures),
  ].join('\n\n');
  return { title: 'Calls to an API through `proxy`', text };
}
