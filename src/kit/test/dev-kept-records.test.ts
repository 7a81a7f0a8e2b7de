import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openKeptRecords } from '../dev/kept-records.ts';
import { createSessions } from '../store/create-sessions.ts';
import { createKeys, type Sessions } from '../store/index.ts';
import type { Records } from '../store/records.ts';
import { alice, hour, markSignIn, secret, signIn, witness } from './helpers/stored-sessions.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kept-'));
  file = join(folder, 'sessions');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the sessions of the development server', () => {
  test('are there after a restart, with their tokens and in the list of their owner', async () => {
    const id = await signedIn(open());
    const { sessions, lines } = open();
    expect(await userOf(sessions, id)).toMatchObject({ sub: 'alice' });
    expect(await sessions.tokens.read(id)).toMatchObject({ access_token: 'an access token' });
    expect((await sessions.list(alice)).map((one) => one.id)).toEqual([id]);
    expect(await sessions.endOwner({ iss: alice.iss, sid: alice.sid }, 'provider')).toBe(1);
    expect(lines).toEqual([]);
  });

  test('stay ended where they were ended, and the reason is still known', async () => {
    const first = open();
    const id = await signedIn(first);
    await first.sessions.end(id, 'other-device');
    const { sessions } = open();
    expect(await userOf(sessions, id)).toBeUndefined();
    expect(await sessions.tokens.read(id)).toBeUndefined();
    expect(await sessions.list(alice)).toEqual([]);
    expect(await sessions.whyEnded(id)).toBe('other-device');
  });

  test('that end while somebody signs in void that sign-in, also over a restart', async () => {
    const first = open();
    const mark = await markSignIn(first.sessions);
    await first.sessions.endOwner(alice, 'provider');
    const { sessions } = open();
    expect(await sessions.enter('late', alice, Date.now() + hour, mark)).toBe('ended');
    expect(await sessions.enter('new', alice, Date.now() + hour, await markSignIn(sessions))).toBe('entered');
  });

  test('are in the file at each change, and the app that stops takes nothing out of it', async () => {
    const first = open();
    const id = await signedIn(first);
    await first.sessions.close();
    expect(await userOf(open().sessions, id)).toMatchObject({ sub: 'alice' });
  });

  test.each<
    [string, (records: Records) => Promise<unknown>, (records: Records) => Promise<unknown>, unknown]
  >([
    ['getDel', (records) => records.getDel('one'), (records) => records.get('one'), undefined],
    ['del', (records) => records.del('one'), (records) => records.get('one'), undefined],
    ['deleteIf', (records) => records.deleteIf('one', '1'), (records) => records.get('one'), undefined],
    [
      'set',
      (records) => records.set('two', '2', 'NX', 60),
      (records) => records.get('two'),
      Buffer.from('2'),
    ],
    ['raise', (records) => records.raise('n', 7, 60), (records) => records.get('n'), Buffer.from('7')],
    [
      'removeMembers',
      (records) => records.removeMembers('set', ['a']),
      (records) => records.members('set'),
      [],
    ],
  ])(
    'are in the file once %s has answered, before anything else happens',
    async (_name, change, look, then) => {
      const records = openKeptRecords(file, [secret], witness().log);
      await records.set('one', '1', 'NX', 60);
      await records.addMember(['set'], 'a', Date.now() + hour);
      await change(records);
      expect(await look(openKeptRecords(file, [secret], witness().log))).toEqual(then);
    },
  );

  test('keep a use of theirs, so that a restart does not end them early', async () => {
    const id = await signedIn(open());
    const used = open({ idleSeconds: 3_600 });
    await userOf(used.sessions, id);
    const [session] = await open().sessions.list(alice);
    expect(session?.idleSecondsLeft).toBeGreaterThan(3_500);
  });

  test.skipIf(process.platform === 'win32')(
    'are in a file that only its user can read, whatever the umask',
    async () => {
      const umask = process.umask(0);
      try {
        await signedIn(open());
      } finally {
        process.umask(umask);
      }
      expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    },
  );

  test('are sealed: the file shows neither who it is nor a token', async () => {
    await signedIn(open());
    const text = readFileSync(file, 'latin1');
    for (const word of ['alice', 'access', 'app:', 'id.example']) expect(text).not.toContain(word);
  });

  test.each([
    ['was cut', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['was changed', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -20), Buffer.alloc(20, 1)])],
    ['is empty', () => Buffer.alloc(0)],
    ['is something else', () => Buffer.from('{"alice":"admin"}')],
  ])('are ignored where the file %s, and the log says so', async (_what, changed) => {
    const id = await signedIn(open());
    writeFileSync(file, changed(readFileSync(file)));
    const { sessions, lines } = open();
    expect(await userOf(sessions, id)).toBeUndefined();
    expect(lines.join()).toMatch(/could not be read: everybody has to sign in again/);
  });

  test('are ignored under another secret', async () => {
    const id = await signedIn(open());
    const other = open({ secrets: ['another secret of thirty-two chars'] });
    expect(await userOf(other.sessions, id)).toBeUndefined();
    // The old secret, kept as the previous one, opens them.
    await signedIn(open());
    const both = open({ secrets: ['another secret of thirty-two chars', secret] });
    expect(await both.sessions.list(alice)).toHaveLength(1);
  });

  test('work on where the file cannot be written; the log says it once', async () => {
    const { sessions, lines } = open();
    rmSync(folder, { recursive: true });
    const { id } = await signIn(sessions);
    expect(await userOf(sessions, id)).toMatchObject({ sub: 'alice' });
    expect(lines.filter((line) => line.includes('could not be saved'))).toHaveLength(1);
  });

  test('that are half written leave the last whole file as it is', async () => {
    const id = await signedIn(open());
    writeFileSync(`${file}.new`, 'half');
    expect(await userOf(open().sessions, id)).toMatchObject({ sub: 'alice' });
    await signedIn(open());
    expect(await open().sessions.list(alice)).toHaveLength(2);
  });
});

/** As the app does at each of its starts. */
function open({ secrets = [secret], idleSeconds = 1_800 } = {}) {
  const { log, audit, lines } = witness();
  const records = openKeptRecords(file, secrets, log);
  const sessions = createSessions(records, createKeys('app:'), {
    secrets,
    idleSeconds,
    maxSeconds: 28_800,
    log,
    audit: audit as never,
  });
  return { sessions, lines };
}

async function signedIn({ sessions }: { sessions: Sessions }): Promise<string> {
  return (await signIn(sessions)).id;
}

function userOf({ store }: Sessions, id: string): Promise<object | undefined> {
  return new Promise((resolve, reject) => {
    store.get(id, (error, data) =>
      error ? reject(error) : resolve((data as { user?: object } | null | undefined)?.user),
    );
  });
}
