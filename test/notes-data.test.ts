import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../src/data/database.ts';
import type { NoteFields } from '../src/data/notes.ts';

// The functions of src/data, in the database that test/settings.env names.

const log = { info: () => {}, warn: () => {} };
const { data, close } = await openDatabase(parseEnv(readFileSync('test/settings.env', 'utf8')), log);
afterAll(close);

let number = 0;
/** Somebody new. */
const someone = () => ({ iss: 'https://id.example', sub: `${process.pid}-${Date.now()}-${number++}` });
const plain: NoteFields = { title: 'Milk', text: '', kind: 'task', pinned: false };

async function added(...given: Parameters<typeof data.notes.add>) {
  const note = await data.notes.add(...given);
  if (!note) throw new Error('the note was not added');
  return note;
}

describe('a person', () => {
  test('is entered once, and known again with their new name', async () => {
    const alice = { ...someone(), name: 'Alice', email: 'alice@example.com' };
    const first = await data.users.enter(alice);
    expect(first).toEqual({ ...alice, id: first.id, role: undefined, blocked: false });
    expect(await data.users.enter({ ...alice, name: 'Alice Adams', email: undefined })).toEqual({
      ...first,
      name: 'Alice Adams',
      email: undefined,
    });
  });

  test('is another one at another issuer', async () => {
    const alice = { ...someone(), name: 'Alice' };
    const other = await data.users.enter({ ...alice, iss: 'https://other.example' });
    expect((await data.users.enter(alice)).id).not.toBe(other.id);
  });

  test('keeps role and block when they sign in again', async () => {
    const alice = { ...someone(), name: 'Alice' };
    expect(await data.users.setRole(alice, 'editor')).toBe(false);
    await data.users.enter(alice);
    expect(await data.users.setRole(alice, 'editor')).toBe(true);
    expect(await data.users.block(alice, true)).toBe(true);
    expect(await data.users.enter(alice)).toMatchObject({ role: 'editor', blocked: true });
    await data.users.setRole(alice, undefined);
    await data.users.block(alice, false);
    expect(await data.users.enter(alice)).toMatchObject({ role: undefined, blocked: false });
  });
});

describe('a note', () => {
  test('comes back as it was written', async () => {
    const alice = someone();
    const fields = { ...plain, text: "'; DROP TABLE notes; --", remindOn: '2028-02-29', pinned: true };
    const { id, createdAt } = await added(alice, fields);
    expect(await data.notes.find(alice, String(id))).toEqual({ ...fields, id, createdAt });
    expect(Math.abs(Date.now() - createdAt.getTime())).toBeLessThan(60_000);
  });

  test('is changed as a whole', async () => {
    const alice = someone();
    const { id, createdAt } = await added(alice, { ...plain, remindOn: '2028-02-29' });
    const fields: NoteFields = { ...plain, title: 'Bread', kind: 'idea' };
    expect(await data.notes.change(alice, String(id), fields)).toBe(true);
    expect(await data.notes.find(alice, String(id))).toEqual({
      ...fields,
      remindOn: undefined,
      id,
      createdAt,
    });
  });

  test('of somebody else is neither found, changed nor removed', async () => {
    const [alice, bob] = [someone(), someone()];
    const note = await added(alice, plain);
    const id = String(note.id);
    for (const other of [bob, { ...alice, iss: 'https://other.example' }]) {
      expect((await data.notes.list(other)).notes).toEqual([]);
      expect(await data.notes.find(other, id)).toBeUndefined();
      expect(await data.notes.change(other, id, { ...plain, title: 'Mine' })).toBe(false);
      expect(await data.notes.remove(other, id)).toBe(false);
    }
    expect(await data.notes.find(alice, id)).toEqual(note);
    expect(await data.notes.remove(alice, id)).toBe(true);
    expect(await data.notes.remove(alice, id)).toBe(false);
  });

  test('has one address: its digits, and nothing else that is the same number', async () => {
    const alice = someone();
    const id = String((await added(alice, plain)).id);
    const others = ['', ' ', '0', `0${id}`, `+${id}`, `-${id}`, ` ${id}`, `${id} `, `${id}\n`, `${id}.0`];
    const hostile = [
      `${id}e0`,
      `0x${id}`,
      '١',
      `${id};`,
      'NaN',
      '9'.repeat(15),
      '9'.repeat(16),
      '9'.repeat(1_000),
    ];
    for (const wrong of [...others, ...hostile]) {
      expect(await data.notes.find(alice, wrong), wrong).toBeUndefined();
      expect(await data.notes.change(alice, wrong, plain), wrong).toBe(false);
      expect(await data.notes.remove(alice, wrong), wrong).toBe(false);
    }
    expect(await data.notes.find(alice, id)).toBeDefined();
  });

  test('whose form was sent twice is added once, also at the same time', async () => {
    const [alice, bob] = [someone(), someone()];
    const [first, second] = await Promise.all(
      ['Milk', 'Bread'].map((title) => data.notes.add(alice, { ...plain, title }, 'key')),
    );
    expect(second).toBeUndefined();
    expect((await data.notes.list(alice)).notes).toEqual([first]);
    await added(bob, plain, 'key');
    await added(alice, plain, 'another');
    await added(alice, plain);
    await added(alice, plain);
    expect((await data.notes.list(alice)).notes).toHaveLength(4);
  });

  test('that its table does not take is refused by the database, whoever forgot to check it', async () => {
    const wrong: Partial<Record<keyof NoteFields, unknown>>[] = [
      { title: '' },
      { title: 'x'.repeat(101) },
      { text: 'x'.repeat(2_001) },
      { kind: 'secret' },
      { remindOn: '2026-02-30' },
      { remindOn: 'some day' },
    ];
    const alice = someone();
    for (const field of wrong)
      await expect(data.notes.add(alice, { ...plain, ...field } as NoteFields)).rejects.toThrow();
    await expect(data.notes.add(alice, plain, 'x'.repeat(101))).rejects.toThrow();
    expect((await data.notes.list(alice)).notes).toEqual([]);
  });

  test('is listed by pages: those that are pinned, then the newest', async () => {
    const alice = someone();
    for (const title of ['1', '2', '3', '4', '5'])
      await added(alice, { ...plain, title, pinned: title === '2' });
    const page = async (page: number, size: number) => {
      const { notes, hasMore } = await data.notes.list(alice, { page, size });
      return [notes.map(({ title }) => title).join(''), hasMore];
    };
    expect(await page(1, 2)).toEqual(['25', true]);
    expect(await page(2, 2)).toEqual(['43', true]);
    expect(await page(3, 2)).toEqual(['1', false]);
    expect(await page(4, 2)).toEqual(['', false]);
    expect(await page(1, 5)).toEqual(['25431', false]);
    expect((await data.notes.list(alice)).notes).toHaveLength(5);
  });

  test('that is gone leaves its id to no other', async () => {
    const alice = someone();
    const { id } = await added(alice, plain);
    await data.notes.remove(alice, String(id));
    expect((await added(alice, plain)).id).not.toBe(id);
  });
});
