import { type Running, type Surroundings, start } from './contestants.ts';
import { type DueSession, makeSessions } from './due-sessions.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import { startStub } from './processes.ts';
import { few, round, type Section, table } from './results.ts';
import { type Latencies, openPage, percentile, steadily } from './steady.ts';

/** A provider that takes so long for each call. */
const providerMs = 200;
/** Pages a second of people whose recheck is not due. */
const othersPerSecond = 300;

/** A recheck that is due for thousands of sessions at once, as after an outage, and what it does to everybody else. */
export const recheckHerd: Mode = {
  about: 'a recheck due for so many sessions at once, at a provider that takes 200 ms',
  options: { sessions: '10000', rate: '150' },
  async run({ around: given, redis, quick, options }) {
    const around = {
      ...given,
      issuer: await startStub('provider-stub.ts', { DELAY_MS: String(providerMs) }),
    };
    const count = quick ? 1_500 : Number(options.sessions);
    const rate = Number(options.rate);
    await redis.empty();
    const far = Date.now() + 3_600_000;
    const past = Date.now() - 60_000;
    const [others, former, due] = [
      await makeSessions(around, { count: 1_000, whose: 'other', dueAt: far }),
      await makeSessions(around, { count: 2_000, whose: 'former', dueAt: past }),
      await makeSessions(around, { count, whose: 'due', dueAt: past }),
    ];
    const running = await start('app', around);
    // Warm: pages, rechecks, and all connections that there will be.
    await together(running, { others, due: former, rate });
    await together(running, { others, due: others, rate, seconds: 5 });
    const usual = await together(running, { others, due: others, rate, seconds: quick ? 5 : 20 });
    const herd = await counted(around, running, () => together(running, { others, due, rate }));
    await running.server.stop();
    await redis.empty();
    return [section({ usual, herd, count, rate })];
  },
};

interface Together {
  others: Latencies;
  due: Latencies;
}

/** Both kinds of people at once: each of the due ones opens one page, and every tenth opens two at the same time. */
async function together(
  { page }: Running,
  at: { others: DueSession[]; due: DueSession[]; rate: number; seconds?: number },
): Promise<Together> {
  const { others, due, rate, seconds = due.length / rate } = at;
  const cookieOf = (sessions: DueSession[], index: number) => sessions[index % sessions.length]?.cookie ?? '';
  const [ofOthers, ofDue] = await Promise.all([
    steadily(othersPerSecond, othersPerSecond * seconds, (index) => openPage(page, cookieOf(others, index))),
    steadily(rate, rate * seconds, async (index) => {
      const cookie = cookieOf(due, index);
      await Promise.all(Array.from({ length: index % 10 === 0 ? 2 : 1 }, () => openPage(page, cookie)));
    }),
  ]);
  return { others: ofOthers, due: ofDue };
}

interface Counted extends Together {
  calls: Record<string, number>;
  busy: number;
}

async function counted(
  around: Surroundings,
  { server }: Running,
  run: () => Promise<Together>,
): Promise<Counted> {
  const before = await callsOf(around);
  const cpuBefore = await server.cpuMicros();
  const begin = performance.now();
  const latencies = await run();
  const busy = ((await server.cpuMicros()) - cpuBefore) / 1000 / (performance.now() - begin);
  const after = await callsOf(around);
  const calls = Object.fromEntries(
    ['/token', '/userinfo', '/jwks'].map((path) => [path, (after[path] ?? 0) - (before[path] ?? 0)]),
  );
  return { ...latencies, calls, busy };
}

async function callsOf({ issuer }: Surroundings): Promise<Record<string, number>> {
  return (await (await fetch(`${issuer}/bench/calls`)).json()) as Record<string, number>;
}

function section({
  usual,
  herd,
  count,
  rate,
}: {
  usual: Together;
  herd: Counted;
  count: number;
  rate: number;
}): Section {
  const row = (name: string, latencies: Latencies) => [
    name,
    String(latencies.length),
    ...[0.5, 0.99, 1].map((share) => few(percentile(latencies, share))),
  ];
  const text = [
    measuredOn(),
    `${count} at ${rate}/s, others ${othersPerSecond}/s; busy ${round(herd.busy * 100)} %; calls ${JSON.stringify(herd.calls)}`,
    table(
      ['', 'pages', 'p50 ms', 'p99 ms', 'longest ms'],
      [
        row('usual, others', usual.others),
        row('usual, the rest', usual.due),
        row('herd, others', herd.others),
        row('herd, due', herd.due),
      ],
    ),
  ].join('\n\n');
  return { title: 'A recheck due for everybody at once', text };
}
