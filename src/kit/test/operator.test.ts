import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { createAudit, createLog, sessionHash } from '../log/index.ts';
import { readArguments, UsageError } from '../operator/arguments.ts';
import { carryOut } from '../operator/sessions.ts';
import { bareEnv } from './helpers/bare-env.ts';
import { type Instances, recordsIn, startInstances, statusOf, textOf } from './helpers/instances.ts';
import { describeWithRedis } from './helpers/redis-server.ts';
import { signIn as signInAs, stores } from './helpers/stored-sessions.ts';

const command = fileURLToPath(new URL('../operator/main.ts', import.meta.url));

interface Said {
  code: number;
  /** The sentences on standard output. */
  said: string;
  /** The log lines before them. */
  logged: Record<string, unknown>[];
  complained: string;
}

/** `npm run sessions -- …` */
function sessions(env: Record<string, string | undefined>, ...args: string[]) {
  return new Promise<Said>((resolve) => {
    const options = { env: { ...bareEnv, ...env } };
    execFile(process.execPath, [command, ...args], options, (error, output, complained) => {
      const [, log = '', said = ''] = /^((?:{.*}\n)*)([\s\S]*)$/.exec(output) ?? [];
      const logged = log.split('\n').filter(Boolean);
      const code = error ? Number(error.code) : 0;
      resolve({ code, said, logged: logged.map((line) => JSON.parse(line)), complained });
    });
  });
}

const settings = {
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'web-app',
  OIDC_CLIENT_SECRET: 'the secret of the client',
  SESSION_SECRET: 'f3a9c1d27b604e8fa5d2c9136be07f48',
};

describeWithRedis('npm run sessions, on the Redis of two instances', () => {
  let all: Instances;
  const run = (...args: string[]) => sessions(all.env, ...args);

  beforeAll(async () => {
    all = await startInstances();
  });
  afterAll(() => all?.stop());
  beforeEach(() => all.two.sessions.endAll('replaced'));

  test('list shows device, since and last seen of a user, and the hash by which the log knows a session', async () => {
    const { browser } = await all.signIn('alice', all.one);
    await all.signIn('alice', all.two);
    await all.signIn('bob');
    const keys = (await all.redis.run('KEYS', 'app:session:*')) as string[];
    const ids = keys.map((key) => key.slice('app:session:{'.length, -1));
    for (const key of keys) await all.redis.run('EXPIRE', key, '1000');

    const { said, ...rest } = await run('list', '--sub', 'alice');
    expect(rest).toEqual({ code: 0, logged: [], complained: '' });
    const lines = said.trimEnd().split('\n');
    expect(lines[0]).toBe('The user alice has 2 sessions.');
    expect(lines[2]).toMatch(/^in the log +device +signed in \(UTC\) +last seen \(UTC\)$/);
    const time = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d';
    for (const line of lines.slice(3))
      expect(line).toMatch(new RegExp(`^[0-9a-f]{12}  Firefox on Linux  ${time}  +${time}$`));
    expect(lines).toHaveLength(5);

    // Never a session id, nor anything of another user.
    for (const id of ids) expect(said).not.toContain(id);
    const mine =
      decodeURIComponent(browser.cookie('session') ?? '')
        .slice(2)
        .split('.')[0] ?? '';
    expect(said).toContain(sessionHash(mine));
    expect(said).not.toContain('bob');
    // Looking keeps nobody's session alive.
    for (const key of keys) expect(await all.redis.run('TTL', key)).toBeLessThanOrEqual(1000);
    expect(await run('list', '--sub', 'nobody')).toMatchObject({
      code: 0,
      said: 'The user nobody is not signed in anywhere.\n',
    });
  });

  test('end --all and list know the sessions of their own REDIS_KEY_PREFIX only', {
    timeout: 60_000,
  }, async () => {
    const { browser } = await all.signIn('alice');
    const other = { ...all.env, REDIS_KEY_PREFIX: 'app:two:' };
    expect((await sessions(other, 'list', '--sub', 'alice')).said).toBe(
      'The user alice is not signed in anywhere.\n',
    );
    expect(await sessions(other, 'end', '--all')).toMatchObject({ code: 0, complained: '' });
    expect(await statusOf(browser, all.one)).toBe(200);
    expect((await run('list', '--sub', 'alice')).said).toMatch(/^The user alice has one session\./);
    expect(await run('end', '--all')).toMatchObject({ code: 0 });
    expect(await statusOf(browser, all.one)).toBe(401);
  });

  test('end --sub ends all sessions of one user, says how many, and the user reads why', async () => {
    const here = (await all.signIn('alice', all.one)).browser;
    const there = (await all.signIn('alice', all.two)).browser;
    const bob = (await all.signIn('bob')).browser;
    const { logged, ...answer } = await run('end', '--sub', 'alice');
    expect(answer).toEqual({ code: 0, said: 'Ended 2 sessions of the user alice.\n', complained: '' });
    expect(await statusOf(here, all.one)).toBe(401);
    expect(await statusOf(there, all.two)).toBe(401);
    expect(await statusOf(bob, all.two)).toBe(200);
    expect(textOf(await here.get(all.one.url('/profile')))).toContain(
      'The people who run this site ended your session.',
    );

    // The same trail as the app leaves (ASVS 16.3), in the same form.
    const about = { iss: all.provider.issuer, sub: 'alice', reason: 'operator', by: 'npm run sessions' };
    const ended = { event: 'session.ended', ...about };
    expect(logged).toMatchObject([ended, ended]);
    const usual = Object.keys(all.one.events('sign_in.succeeded')[0] ?? {}).slice(0, 4);
    expect(usual).toEqual(['level', 'time', 'service.name', 'service.instance.id']);
    for (const line of logged) expect(Object.keys(line).slice(0, 4)).toEqual(usual);

    // In a container nobody keeps what a command prints: one of the instances says it as well.
    const hashes = logged.map(({ session }) => session);
    // What another test has ended may be told meanwhile.
    const told = () =>
      [all.one, all.two]
        .flatMap((app) => app.events('session.ended'))
        .filter(({ by, session }) => by && hashes.includes(session));
    await expect.poll(() => told().map(({ session }) => session), { timeout: 15_000 }).toEqual(hashes);
    expect(told()).toMatchObject([ended, ended]);
    for (const { ended_at } of told())
      expect(Math.abs(Date.parse(String(ended_at)) - Date.now())).toBeLessThan(60_000);
    const again = await run('end', '--sub', 'alice');
    expect(again).toEqual({
      code: 0,
      said: 'There was no session of the user alice to end.\n',
      logged: [],
      complained: '',
    });
  });

  test('end --sid ends what one session at the provider opened', async () => {
    const first = (await all.signIn('alice')).browser;
    const sid = all.provider.listSessions().at(-1)?.clients[0]?.sid as string;
    const second = (await all.signIn('alice')).browser;
    const { said, complained } = await run('end', '--sid', sid);
    expect(said, complained).toBe(`Ended one session of the provider's session ${sid}.\n`);
    expect(await statusOf(first, all.one)).toBe(401);
    expect(await statusOf(second, all.one)).toBe(200);
  });

  test('end --all ends every session and leaves nothing of anybody', async () => {
    const people = [await all.signIn('alice'), await all.signIn('bob', all.two)];
    const { code, said } = await run('end', '--all');
    expect({ code, said }).toEqual({ code: 0, said: 'Ended 2 sessions: everybody has to sign in again.\n' });
    for (const { browser } of people) expect(await statusOf(browser, all.two)).toBe(401);
    expect(await recordsIn(all.redis)).toEqual([]);
    expect((await run('end', '--all')).said).toBe('There was no session to end.\n');
  });

  test.each([
    ['--all', 'Ended 1000 sessions: everybody has to sign in again.\n'],
    ['--sub crowd', 'Ended 1000 sessions of the user crowd.\n'],
  ])(
    'end %s of a thousand says on standard error what it costs, and how long it took',
    async (whom, last) => {
      const crowd = { iss: all.provider.issuer, sub: 'crowd' };
      for (let n = 0; n < 1_000; n++) await signInAs(all.two.sessions, crowd);
      // What another test has counted.
      await all.redis.run('DEL', 'app:count');
      const { code, said, logged, complained } = await run('end', ...whom.split(' '));
      expect({ code, said }).toEqual({ code: 0, said: last });
      expect(logged).toHaveLength(1_000);
      const [cost, ...progress] = complained.trimEnd().split('\n');
      expect(cost).toMatch(/^There are about 1000 sessions\. Ending them takes about 1 s if Redis is near\./);
      expect(cost).toContain('one line in the log, and one key in Redis for 24 hours');
      expect(progress.pop()).toMatch(/^It took \d+\.\d s, \d+\.\d\d ms a session\.$/);
      for (const line of progress) expect(line).toMatch(/^\d+ of about 1000 sessions ended\.$/);
    },
    60_000,
  );

  test('says so in a sentence when Redis is away, and when its password is wrong', async () => {
    const away = { ...all.env, REDIS_URL: 'redis://:the-password@127.0.0.1:1' };
    for (const args of [
      ['list', '--sub', 'alice'],
      ['end', '--sub', 'alice'],
      ['end', '--all'],
    ]) {
      const { code, said, complained } = await sessions(away, ...args);
      expect({ code, said }).toEqual({ code: 1, said: '' });
      expect(complained).toMatch(/^Redis cannot be reached: .*ECONNREFUSED/);
      expect(complained.includes('Some sessions may be left: run the same command again')).toBe(
        args[0] === 'end',
      );
      expect(complained).not.toMatch(/the-password|\n\s+at /);
      expect(complained.trimEnd().split('\n')).toHaveLength(1);
    }
    const wrong = { ...all.env, REDIS_URL: all.redis.url.replace('://', '://operator:the-password@') };
    const { code, complained } = await sessions(wrong, 'end', '--all');
    expect(code).toBe(1);
    expect(complained).toMatch(/^Redis cannot be reached: .*(AUTH|password)/);
    expect(complained).not.toContain('the-password');
  }, 60_000);
});

describe('npm run sessions', () => {
  test('refuses on the memory store, with the reason', async () => {
    const { code, said, complained } = await sessions(settings, 'end', '--all');
    expect({ code, said }).toEqual({ code: 78, said: '' });
    expect(complained).toMatch(/REDIS_URL is not set, so sessions are kept in the memory of the running app/);
    expect(complained).toContain('Restart the app to end them all.');
  });

  test('with wrong settings names every problem, without a secret or a stack', async () => {
    const { code, complained } = await sessions(
      { ...settings, OIDC_ISSUER: undefined, SESSION_SECRET: 'short-one' },
      'list',
      '--sub',
      'alice',
    );
    expect(code).toBe(78);
    expect(complained).toMatch(/OIDC_ISSUER is missing[\s\S]*SESSION_SECRET must have at least 32/);
    expect(complained).not.toMatch(/short-one|\n\s+at /);
  });

  test('with a wrong command line says what is wrong, and how it is used', async () => {
    const { code, said, complained } = await sessions({}, 'end', '--everybody');
    expect({ code, said }).toEqual({ code: 2, said: '' });
    expect(complained).toMatch(/^There is no option --everybody\.\n\nLists and ends sessions/);
    expect(complained).toContain('npm run sessions -- end --all');
  });

  test('--help needs no settings', async () => {
    const { code, said, complained } = await sessions({}, '--help');
    expect({ code, complained }).toEqual({ code: 0, complained: '' });
    expect(said).toMatch(/list --sub[\s\S]*end --sub[\s\S]*end --sid[\s\S]*end --all/);
  });

  test.each([
    ['', 'Say what to do: list or end.'],
    ['lst', 'There is no command "lst": say list or end.'],
    ['list', 'Say whose sessions to list: --sub <sub>.'],
    ['list --all', 'Say whose sessions to list: --sub <sub>.'],
    ['list --sid a', 'Say whose sessions to list: --sub <sub>.'],
    ['list --sub a b', 'Unexpected argument: "b".'],
    ['list end', 'Unexpected argument: "end".'],
    ['list \u001b[2J', 'Unexpected argument: "\\u001b[2J".'],
    ['\u009b2J', 'There is no command "\\u009b2J": say list or end.'],
    ['\u202e2J', 'There is no command "\\u202e2J": say list or end.'],
    ['end', 'Say whose sessions to end: --sub <sub>, --sid <sid> or --all.'],
    ['end --sub', '--sub needs a value. One that begins with a dash is written --sub=-value.'],
    ['end --sub --all', '--sub needs a value. One that begins with a dash is written --sub=-value.'],
    ['end --sid', '--sid needs a value. One that begins with a dash is written --sid=-value.'],
    ['end --sub=', '--sub needs a value.'],
    ['end --sub a --sub a', '--sub is given twice: once is enough.'],
    ['end --all --all', '--all is given twice: once is enough.'],
    ['end --sub a --sid b', 'Say only one of --sub, --sid and --all.'],
    ['end --sub a --all', 'Say only one of --sub, --sid and --all.'],
    ['end --all=yes', '--all takes no value.'],
    ['end --user a', 'There is no option --user.'],
    ['end -x', 'There is no option -x.'],
    ['end --iss https://id.example', 'Say whose sessions to end: --sub <sub>, --sid <sid> or --all.'],
    ['list --iss https://id.example', 'Say whose sessions to list: --sub <sub>.'],
    ['end --all --iss https://id.example', '--iss goes with --sub or --sid, not with --all.'],
    ['end {"sub":"a"}', 'The log line names no user: it has no iss and sub.'],
    ['end {"iss":"a","sub":7}', 'The log line names no user: it has no iss and sub.'],
    ['end {iss:a,sub:b}', 'The log line cannot be read: copy all of it, between single quotes.'],
    ['end {"iss":"a","sub":"b"} --sub c', '--sub is given twice: once is enough.'],
    ['end {"iss":"a","sub":"b"} --all', 'Say only one of --sub, --sid and --all.'],
    ['list {"iss":"a","sub":"b"} {"iss":"a","sub":"b"}', 'Unexpected argument: "{"iss":"a","sub":"b"}".'],
    ['end --sub a --iss', '--iss needs a value. One that begins with a dash is written --iss=-value.'],
    ['end --sub a --iss a --iss b', '--iss is given twice: once is enough.'],
  ])('"%s" is answered by a sentence', (line, sentence) => {
    const args = line.split(' ').filter(Boolean);
    expect(() => readArguments(args)).toThrow(new UsageError(sentence));
  });

  test('a line of the log says who is meant', async () => {
    const written: string[] = [];
    const who = { iss: 'https://id.example', sub: 'auth0|a "b"' };
    createAudit(createLog('info', { write: (line) => void written.push(line) }))('sign_out', who);
    const line = written[0] ?? '';
    expect(readArguments(['list', line])).toEqual({ command: 'list', ...who });
    expect(readArguments(['end', line])).toEqual({ command: 'end', whom: who });
  });

  test('a sub may hold blanks, begin with a dash, or look like anything', () => {
    expect(readArguments(['end', '--sub', 'auth0|a b'])).toEqual({
      command: 'end',
      whom: { sub: 'auth0|a b' },
    });
    expect(readArguments(['--sub=-x', 'list'])).toEqual({ command: 'list', sub: '-x' });
  });
});

describe.each(stores)('with sessions in $store', ({ share }) => {
  test('what a pasted line names cannot write on the terminal', async () => {
    const config = loadConfig(settings);
    const shared = await share();
    const sessions = await shared.open();
    const hostile = 'a\u001b[2J\nEnded 9 sessions.';
    const whom = { iss: config.providers[0].issuer, sub: hostile };
    for (const order of [{ command: 'list', ...whom } as const, { command: 'end', whom } as const])
      expect(await carryOut(order, sessions, config)).toMatch(/user a\\u001b\[2J\\u000aEnded 9 sessions\./);
    await shared.stop();
  });

  test('the place of a session is listed where any has one, and cannot write on the terminal either', async () => {
    const config = loadConfig(settings);
    const shared = await share();
    const store = await shared.open();
    const who = { iss: config.providers[0].issuer, sub: 'alice', device: 'Firefox on Linux' };
    const listed = async () =>
      (await carryOut({ command: 'list', sub: 'alice' }, store, config)).split('\n').slice(2);
    await signInAs(store, who);
    expect((await listed())[0]).toMatch(/^in the log +device +signed in \(UTC\) +last seen \(UTC\)$/);
    await signInAs(store, { ...who, place: 'Berlin\u001b[2J' } as typeof who);
    const [heads, ...rows] = await listed();
    expect(heads).toMatch(/^in the log +device +place +signed in \(UTC\) +last seen \(UTC\)$/);
    const said = rows.map((row) => row.replace(/^[0-9a-f]{12} +| +\d{4}-.*$/g, ''));
    expect(said.sort()).toEqual(['Firefox on Linux', 'Firefox on Linux  Berlin\\u001b[2J']);
    await shared.stop();
  });

  test('a shared issuer of Entra stands for that of each tenant let in', async () => {
    const shared = await share();
    const store = await shared.open();
    const tenants = ['11111111-2222-3333-4444-555555555555', '66666666-7777-8888-9999-000000000000'];
    const config = loadConfig({
      ...settings,
      OIDC_ISSUER: 'https://login.microsoftonline.com/organizations/v2.0',
      OIDC_ALLOWED_TENANTS: tenants.join(','),
    });
    for (const tenant of [...tenants, 'foreign']) {
      const iss = `https://login.microsoftonline.com/${tenant}/v2.0`;
      await signInAs(store, { iss, sub: 'alice', sid: `sid-of-${tenant}` });
    }
    const listed = await carryOut({ command: 'list', sub: 'alice' }, store, config);
    expect(listed).toMatch(/^The user alice has 2 sessions\./);
    const ended = await carryOut({ command: 'end', whom: { sub: 'alice' } }, store, config);
    expect(ended).toBe('Ended 2 sessions of the user alice.');
    expect(await carryOut({ command: 'end', whom: 'all' }, store, config)).toMatch(/^Ended one session: /);
    await shared.stop();
  });

  const tenant = '11111111-2222-3333-4444-555555555555';
  const entra = 'https://login.microsoftonline.com';
  const two = {
    ...{ SESSION_SECRET: settings.SESSION_SECRET, OIDC_PROVIDERS: 'work,entra' },
    ...{ OIDC_WORK_ISSUER: 'https://login.example.com', OIDC_WORK_CLIENT_ID: 'app' },
    ...{ OIDC_WORK_CLIENT_SECRET: 'the secret at work', OIDC_ENTRA_ISSUER: `${entra}/organizations/v2.0` },
    ...{ OIDC_ENTRA_CLIENT_ID: 'app', OIDC_ENTRA_CLIENT_SECRET: 'the secret at entra' },
  };
  const atWork = { provider: 'work', iss: 'https://login.example.com', sub: 'alice', sid: 'one' };
  const atEntra = { provider: 'entra', iss: `${entra}/${tenant}/v2.0`, sub: 'alice', sid: 'two' };

  test('of several providers, each session is listed with its own, and --iss takes one of them', async () => {
    const shared = await share();
    const store = await shared.open();
    const config = loadConfig({ ...two, OIDC_ENTRA_ALLOWED_TENANTS: tenant });
    const signIn = async () => {
      await signInAs(store, atWork);
      await signInAs(store, atEntra);
    };
    await signIn();
    const listed = (await carryOut({ command: 'list', sub: 'alice' }, store, config)).split('\n');
    expect(listed[0]).toBe('The user alice has 2 sessions.');
    expect(listed[2]).toMatch(/^provider +in the log +device/);
    expect(
      listed
        .slice(3)
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(['entra', 'work']);
    const one = await carryOut({ command: 'list', sub: 'alice', iss: atWork.iss }, store, config);
    expect(one).toMatch(/^The user alice has one session\.[\s\S]*\nwork /);

    // Two people of one name: what has ended is said of each.
    const whom = { sub: 'alice' };
    expect(await carryOut({ command: 'end', whom }, store, config)).toBe(
      `Ended 2 sessions of the user alice.\none session of ${atWork.iss}\none session of ${atEntra.iss}`,
    );
    await signIn();
    const ended = await carryOut({ command: 'end', whom: { ...whom, iss: atEntra.iss } }, store, config);
    expect(ended).toBe('Ended one session of the user alice.');
    expect(await store.list(atWork)).toHaveLength(1);
    for (const iss of ['https://evil.example', `${entra}/organizations/v2.0`, 'work'])
      await expect(carryOut({ command: 'end', whom: { sub: 'alice', iss } }, store, config)).rejects.toThrow(
        new UsageError(
          `${iss} is not an issuer in the settings, which have https://login.example.com, ${entra}/<tenant>/v2.0.`,
        ),
      );
    await shared.stop();
  });

  test('of every tenant, nobody is passed over without a word', async () => {
    const shared = await share();
    const store = await shared.open();
    const config = loadConfig({ ...two, OIDC_ENTRA_ALLOWED_TENANTS: '*' });
    await signInAs(store, atWork);
    await signInAs(store, atEntra);
    const left = `Users of the provider entra are not among them: name their tenant with --iss ${entra}/<tenant>/v2.0.`;
    expect(await carryOut({ command: 'list', sub: 'alice' }, store, config)).toContain(left);
    expect(await carryOut({ command: 'end', whom: { sub: 'alice' } }, store, config)).toBe(
      `Ended one session of the user alice.\n${left}`,
    );
    expect(await carryOut({ command: 'end', whom: { sid: 'two' } }, store, config)).toContain(left);
    const whom = { sub: 'alice', iss: atEntra.iss };
    expect(await carryOut({ command: 'end', whom }, store, config)).toBe(
      'Ended one session of the user alice.',
    );

    const alone = loadConfig({
      ...settings,
      OIDC_ISSUER: `${entra}/organizations/v2.0`,
      OIDC_ALLOWED_TENANTS: '*',
    });
    const which = new UsageError(`Say which tenant: --iss <iss>, such as --iss ${entra}/<tenant>/v2.0.`);
    await expect(carryOut({ command: 'list', sub: 'alice' }, store, alone)).rejects.toThrow(which);
    await expect(carryOut({ command: 'end', whom: { sid: 'two' } }, store, alone)).rejects.toThrow(which);
    await shared.stop();
  });
});

test('an ending does not depend on the number of sessions, which it only tells', async () => {
  const away = () => Promise.reject(new Error('OOM command not allowed'));
  const sessions = { count: away, newest: away, endAll: async () => 3, endOwner: async () => 2 };
  const config = loadConfig(settings);
  const told: unknown[] = [];
  const carry = (...args: string[]) =>
    carryOut(readArguments(args) as never, sessions as never, config, (expected) => told.push(expected));
  expect(await carry('end', '--all')).toContain('Ended 3 sessions');
  expect(await carry('end', '--sub', 'alice')).toContain('Ended 2 sessions');
  expect(told).toEqual([undefined, undefined]);
});
