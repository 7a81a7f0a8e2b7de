import { AsyncLocalStorage } from 'node:async_hooks';
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { signedCookies } from '../session/signed-cookie.ts';
import { Remembered } from '../store/index.ts';
import { sharedTurn } from '../store/memory.ts';
import { OpenedRecords } from '../store/opened-records.ts';
import { createSealer, type Sealer } from '../store/sealing.ts';
import { openTexts, parseSession, sealOwn, sealUser } from '../store/session-form.ts';
import {
  alice,
  read,
  type Shared,
  save,
  secret,
  sessionOf,
  signIn,
  stores,
} from './helpers/stored-sessions.ts';

// A process remembers session cookies that it has verified and session records that it has opened. Nobody may notice.

describe.each(stores)('a session in $store that was read before', ({ share }) => {
  let shared: Shared;
  beforeEach(async () => {
    shared = await share();
  });
  afterEach(() => shared.stop());

  test('is read anew as soon as another instance has changed either part of it', async () => {
    const [here, there] = [await shared.open(), await shared.open()];
    const { id } = await signIn(here);
    const before = await read(here, id);
    await there.updateUser(id, (user) => ({ ...user, roles: ['admin'] }));
    expect((await read(here, id))?.user).toMatchObject({ roles: ['admin'] });
    await save(there, id, { ...sessionOf(), note: 'kept' });
    expect(await read(here, id)).toMatchObject({ note: 'kept', user: { roles: ['admin'] } });
    expect(before).not.toHaveProperty('user.roles');
  });

  test('is gone as soon as another instance has ended it', async () => {
    const [here, there] = [await shared.open(), await shared.open()];
    const { id } = await signIn(here);
    expect(await read(here, id)).toBeDefined();
    await there.end(id, 'operator');
    expect(await read(here, id)).toBeUndefined();
    expect(await here.look(id)).toBeUndefined();
  });

  test('is an object of its own for each request', async () => {
    const sessions = await shared.open();
    const { id } = await signIn(sessions);
    const first = await read(sessions, id);
    if (first?.user) first.user.sub = 'mallory';
    expect((await read(sessions, id))?.user).toMatchObject({ sub: alice.sub });
  });
});

describe('records that were opened before', () => {
  const sealer = createSealer([secret], 'test');
  const key = 'app:session:{one}';
  const record = (sub: string, own = '{}') =>
    Buffer.concat([sealUser(sealer, key, JSON.stringify({ sub })), sealOwn(sealer, key, own)]);

  test('open as those that were not: the same, a newer one, one of another name, and what is damaged', () => {
    const opened = new OpenedRecords(sealer, 60);
    const [first, second] = [record('alice'), record('bob', '{"note":"his"}')];
    const damaged = Buffer.from(first);
    damaged[first.length - 1] = (damaged[first.length - 1] ?? 0) ^ 1;
    for (const one of [first, first, second, first, damaged, first, second.subarray(0, 9), Buffer.alloc(0)]) {
      for (const name of [key, 'app:session:{two}']) {
        const texts = openTexts(sealer, name, one);
        expect(opened.open(name, one)).toEqual(texts && parseSession(texts));
      }
    }
  });

  test('are opened again once they were forgotten', () => {
    let times = 0;
    const counting: Sealer = {
      ...sealer,
      open(...args) {
        times++;
        return sealer.open(...args);
      },
    };
    const opened = new OpenedRecords(counting, 60);
    const one = record('alice');
    for (let turn = 0; turn < 3; turn++) opened.open(key, one);
    expect(times).toBe(1);
    opened.forget(key);
    opened.open(key, one);
    expect(times).toBe(2);
    opened.openOnce('app:session:{two}', one);
    opened.openOnce(key, one);
    opened.open(key, one);
    expect(times).toBe(4);
  });
});

describe('session cookies that were verified before', () => {
  const signed = (id: string, by = secret) =>
    `s:${id}.${createHmac('sha256', by).update(id).digest('base64').replace(/=+$/, '')}`;

  test('are read as by somebody who remembers nothing', () => {
    const remembering = signedCookies([secret, 'the former secret'], 30);
    const good = signed('a'.repeat(32));
    const cookies = [
      ...[good, encodeURIComponent(good), signed('b', 'the former secret'), signed('b', 'of somebody else')],
      ...[
        good.slice(0, -1),
        `${good}=`,
        good.slice(2),
        `s:${'a'.repeat(32)}`,
        `s:.${good}`,
        '',
        '%',
        's:%E0%A4%A',
      ],
      ...[`s:${'c'.repeat(300)}`, signed('d'.repeat(300))],
    ];
    for (const cookie of [...cookies, ...cookies.toReversed(), ...cookies]) {
      const expected = signedCookies([secret, 'the former secret'], 30).read(cookie);
      expect(remembering.read(cookie), cookie).toEqual(expected);
    }
    expect(remembering.read(encodeURIComponent(good))).toEqual({ id: 'a'.repeat(32), text: good });
    remembering.forget(encodeURIComponent(good));
    expect(remembering.read(encodeURIComponent(good))).toEqual({ id: 'a'.repeat(32), text: good });
  });

  test('are remembered in one spelling alone, as one person could send thousands of others', () => {
    const remembering = signedCookies([secret], 30);
    const ours = encodeURIComponent(signed('a'.repeat(32)));
    const other = ours.replace('aa', '%61%61');
    expect(remembering.read(ours)).toBe(remembering.read(ours));
    expect(remembering.read(other)).toEqual(remembering.read(ours));
    expect(remembering.read(other)).not.toBe(remembering.read(other));
  });
});

describe('what is remembered', () => {
  afterEach(() => void vi.useRealTimers());
  const bounds = { entries: 100, bytes: 10_000, unusedMs: 1_000 };
  const found = (memory: Remembered<number>, names: number[]) =>
    names.filter((name) => memory.get(String(name)) === name).length;
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

  test('is never more than so many entries, and those asked for lately stay', () => {
    const memory = new Remembered<number>(bounds);
    for (const name of upTo(1_000)) {
      memory.set(String(name), name, 10);
      memory.get('0');
    }
    expect(found(memory, [0])).toBe(1);
    expect(found(memory, upTo(1_000))).toBeLessThanOrEqual(bounds.entries);
    expect(found(memory, [999])).toBe(1);
  });

  test('is never more than so many bytes', () => {
    const memory = new Remembered<number>(bounds);
    for (const name of upTo(1_000)) memory.set(String(name), name, 1_000);
    expect(found(memory, upTo(1_000))).toBeLessThanOrEqual(10);
    memory.set('huge', 1, 6_000);
    expect(memory.get('huge')).toBeUndefined();
    expect(found(memory, [999])).toBe(1);
  });

  test('is set anew, and deleted, without the room that it took before', () => {
    const memory = new Remembered<number>(bounds);
    for (const name of upTo(4)) memory.set(String(name), name, 1_000);
    for (let turn = 0; turn < 100; turn++) memory.set('0', 0, 1_000);
    expect(found(memory, upTo(4))).toBe(4);
    for (const name of upTo(4)) memory.delete(String(name));
    expect(found(memory, upTo(4))).toBe(0);
  });

  test('is forgotten where nobody asks for it', () => {
    vi.useFakeTimers();
    const memory = new Remembered<number>(bounds);
    memory.set('1', 1, 10);
    vi.advanceTimersByTime(1_500);
    expect(memory.get('1')).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(vi.getTimerCount(), 'nothing is left to be forgotten').toBe(0);
    expect(memory.get('1')).toBeUndefined();
  });
});

test('reads of one turn go on together, each in the asynchronous context in which it came', async () => {
  const turn = sharedTurn();
  const context = new AsyncLocalStorage<string>();
  const steps: string[] = [];
  const reader = async () => {
    await turn();
    steps.push(`${context.getStore()} 1`);
    await undefined;
    steps.push(`${context.getStore()} 2`);
    if (context.getStore() === 'alice') throw new Error('only hers');
  };
  const readers = ['alice', 'bob'].map((name) => context.run(name, reader));
  expect((await Promise.allSettled(readers)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(steps).toEqual(['alice 1', 'bob 1', 'alice 2', 'bob 2']);
});
