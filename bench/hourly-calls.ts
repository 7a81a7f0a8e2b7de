import { type Asked, askedSince, askedSoFar } from './asked.ts';
import { type Running, type Surroundings, start } from './contestants.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import { startStub } from './processes.ts';
import { few, type Section, table } from './results.ts';
import { signIn } from './sign-ins.ts';
import { openPage, steadily } from './steady.ts';

/** Sixty: an hour passes in a minute. */
const speed = 60;
/** Of each person, on average; who opens the next page is drawn by lot. */
const pagesAnHour = 60;
const paths = ['/token', '/userinfo', '/.well-known/openid-configuration', '/jwks'] as const;

/** What an hour of many people asks of the provider. */
export const hourlyCalls: Mode = {
  about:
    'calls to the provider in an hour of so many people, counted on a clock that runs sixty times as fast',
  options: { users: '1000' },
  async run({ around, redis, quick, options }) {
    const users = quick ? 200 : Number(options.users);
    await redis.empty();
    const withTokens = await anHour(around, users, 'yes');
    await redis.empty();
    const without = await anHour(around, users, 'no');
    await redis.empty();
    return [section(users, { withTokens, without })];
  },
};

interface Counted {
  signIns: number[];
  hour: number[];
}

async function anHour(given: Surroundings, users: number, refreshTokens: 'yes' | 'no'): Promise<Counted> {
  // The provider has the same clock: what it issues has its times.
  const clock = {
    CLOCK_SPEED: String(speed),
    CLOCK_FROM: String(Date.now()),
    NODE_OPTIONS: `--import=${new URL('clock.js', import.meta.url).href}`,
  };
  const issuer = await startStub('provider-stub.ts', { ...clock, REFRESH_TOKENS: refreshTokens });
  const around = { ...given, issuer };
  const running = await start('app', around, { settings: clock });
  const atFirst: Asked = await askedSoFar(around);
  const cookies = await signInAll(running, users);
  const signedIn = await askedSoFar(around);
  const perSecond = (users * pagesAnHour * speed) / 3_600;
  await steadily(perSecond, users * pagesAnHour, async () => {
    await openPage(running.page, cookies[Math.floor(Math.random() * cookies.length)] ?? '');
  });
  const atLast = await askedSoFar(around);
  await running.server.stop();
  return { signIns: askedSince(atFirst, signedIn, paths), hour: askedSince(signedIn, atLast, paths) };
}

async function signInAll(running: Running, users: number): Promise<string[]> {
  const cookies: string[] = [];
  let started = 0;
  const some = async () => {
    while (started < users) {
      started += 1;
      cookies.push((await signIn(running)).cookie);
    }
  };
  await Promise.all(Array.from({ length: 8 }, some));
  return cookies;
}

function section(users: number, { withTokens, without }: { withTokens: Counted; without: Counted }): Section {
  const row = (name: string, calls: number[]) => [
    name,
    ...calls.map(String),
    few(calls.reduce((sum, each) => sum + each, 0) / users),
  ];
  const text = [
    `${measuredOn()} ${users} people sign in, and then each opens ${pagesAnHour} pages in an hour, at random times. The hour takes a minute: the clocks of the app and of the provider run ${speed} times as fast (clock.js), and so do their timers of a minute and more. SESSION_RECHECK_MINUTES is 10, as by default. The calls are counted by the provider.`,
    `Read it as what to ask the provider's operator for: at most six rechecks for each person and hour, of two calls each, and fewer for whoever opens fewer pages, since a recheck is made by the first page after ten minutes. Without a refresh token there is nothing to ask, and only \`signIn\` of the site runs again. Each process fetches the metadata every ten minutes, and the keys every five while somebody needs them. express-openid-connect and the article's app ask nothing again after the sign-in: an account that was closed stays in until its session ends.`,
    table(
      ['', 'token', 'userinfo', 'metadata', 'keys', 'for each person'],
      [
        row('signing in, with a refresh token', withTokens.signIns),
        row('the hour after it, with a refresh token', withTokens.hour),
        row('signing in, without one', without.signIns),
        row('the hour after it, without one', without.hour),
      ],
    ),
  ].join('\n\n');
  return { title: 'Calls to the provider in an hour', text };
}
