import { askedSince, askedSoFar } from './asked.ts';
import { type Running, start } from './contestants.ts';
import { makeSessions } from './due-sessions.ts';
import { type Latencies, percentile } from './latencies.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import { startStub } from './processes.ts';
import { few, round, type Section, table, times } from './results.ts';
import { openPage, steadily } from './steady.ts';

/** A provider that takes so long for each call. */
const providerMs = 200;
const paths = ['/token', '/userinfo', '/jwks'] as const;

/** A recheck that is due for thousands of sessions at once, as after an outage, and what it does to everybody else. */
export const recheckHerd: Mode = {
  about: 'a recheck due for so many sessions at once, at a provider that takes 200 ms',
  options: { herd: '10000', due: '150', others: '300' },
  async run({ around: given, redis, quick, options }) {
    const around = {
      ...given,
      issuer: await startStub('provider-stub.ts', { DELAY_MS: String(providerMs) }),
    };
    const count = quick ? 1_500 : Number(options.herd);
    const rates = { due: Number(options.due), others: Number(options.others) };
    await redis.empty();
    const [later, past] = [Date.now() + 3_600_000, Date.now() - 60_000];
    const others = await makeSessions(around, { count: 1_000, whose: 'other', dueAt: later });
    const former = await makeSessions(around, { count: 1_500, whose: 'former', dueAt: past });
    const due = await makeSessions(around, { count, whose: 'due', dueAt: past });
    const running = await start('app', around);
    const load = async (ofDue: string[], seconds = ofDue.length / rates.due): Promise<Load> => {
      const before = [await askedSoFar(around), await running.server.cpuMicros()] as const;
      const begin = performance.now();
      const latencies = await together(running, { others, due: ofDue, rates, seconds });
      const cpuMicros = (await running.server.cpuMicros()) - before[1];
      const asked = askedSince(before[0], await askedSoFar(around), paths);
      return { ...latencies, asked, busy: cpuMicros / 1000 / (performance.now() - begin) };
    };
    // Warm: pages, rechecks, and what is compiled of them.
    await load(former);
    await load(others, 5);
    const usual = await load(others, quick ? 5 : 20);
    const herd = await load(due);
    await running.server.stop();
    await redis.empty();
    return [section(usual, herd, { count, rates })];
  },
};

interface Rates {
  due: number;
  others: number;
}

interface Load {
  others: Latencies;
  due: Latencies;
  /** Calls to the provider, one number for each of `paths`. */
  asked: number[];
  busy: number;
}

/** Both kinds of people at once. Each of the due ones opens one page, and every tenth two at the same time. */
async function together(
  { page }: Running,
  { others, due, rates, seconds }: { others: string[]; due: string[]; rates: Rates; seconds: number },
): Promise<Pick<Load, 'others' | 'due'>> {
  const open = (cookies: string[], index: number) => openPage(page, cookies[index % cookies.length] ?? '');
  const [ofOthers, ofDue] = await Promise.all([
    steadily(rates.others, rates.others * seconds, (index) => open(others, index)),
    steadily(rates.due, rates.due * seconds, async (index) => {
      await Promise.all(index % 10 === 0 ? [open(due, index), open(due, index)] : [open(due, index)]);
    }),
  ]);
  return { others: ofOthers, due: ofDue };
}

function section(usual: Load, herd: Load, { count, rates }: { count: number; rates: Rates }): Section {
  const row = (name: string, latencies: Latencies) => [
    name,
    String(latencies.length),
    ...[0.5, 0.99, 1].map((share) => few(percentile(latencies, share))),
  ];
  const [token = 0, userinfo = 0, jwks = 0] = herd.asked;
  const ratio = percentile(herd.others, 0.99) / percentile(usual.others, 0.99);
  const text = [
    `${measuredOn()} ${count} sessions whose recheck is due, ${rates.due} of them opening a page each second (every tenth two at once), beside ${rates.others} pages a second of 1,000 people whose recheck is not due; the provider takes ${providerMs} ms for each call. Before that the same load with nobody due: that is "usual". Requests are sent at a steady rate, whether or not earlier ones were answered, and count from when they were meant to be sent.`,
    `The two lines of the others are to be compared: their p99 is ${times(ratio)} the usual one (target: under 2). Those who are due wait for two calls, one after the other, ${2 * providerMs} ms: what their p50 has beyond that is the app's own. Two calls are meant for each session, one to the token endpoint and one to userinfo. The provider saw ${few(token / count)} and ${few(userinfo / count)}, and ${jwks} for keys. The server was busy for ${round(usual.busy * 100)} % of the time before, ${round(herd.busy * 100)} % with the herd.`,
    table(
      ['', 'pages', 'p50 ms', 'p99 ms', 'longest ms'],
      [
        row('others, usual', usual.others),
        row('others, beside the herd', herd.others),
        row('those who are due', herd.due),
      ],
    ),
  ].join('\n\n');
  return { title: 'A recheck due for everybody at once', text };
}
