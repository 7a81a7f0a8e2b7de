import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { openDatabase } from '../src/data/database.ts';
import { readMigrations } from '../src/data/migrations.ts';
import { site } from '../src/site.ts';

// The database as a file: several processes at once, its migrations, and what the app says where there is none.

let folder = '';
let file = '';
let logged: string[] = [];
const note = (_fields: object, message: string) => void logged.push(message);
const log = { info: note, warn: note };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notes-'));
  file = join(folder, 'data/app.sqlite');
  logged = [];
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

/** Opens the database with these SQL files in place of the app's, and closes it. */
async function migrated(files: Record<string, string>): Promise<void> {
  const own = mkdtempSync(join(folder, 'migrations-'));
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(own, name), sql);
  (await openDatabase({ DATABASE_FILE: file }, log, readMigrations(own))).close();
}

const base = Object.fromEntries(readMigrations().map(({ name, statements }) => [name, statements]));
const more = 'CREATE TABLE more (id INTEGER PRIMARY KEY);';

const tables = () => {
  using database = new DatabaseSync(file);
  return database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map(({ name }) => name);
};

/** Runs a script with the app's `openDatabase` in processes of its own, all at once; gives what each printed. */
async function inProcesses(count: number, script: string): Promise<string[]> {
  const url = JSON.stringify(new URL('../src/data/database.ts', import.meta.url).href);
  const start = Date.now() + 1_500;
  const program = `
    import { openDatabase } from ${url};
    const log = { info() {}, warn() {} };
    const waitFor = (time) => { while (Date.now() < time); };
    const start = ${start};
    ${script}`;
  const runs = Array.from({ length: count }, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: join(import.meta.dirname, '..'),
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    await once(child, 'close');
    return output.trim();
  });
  return Promise.all(runs);
}

describe('several processes', () => {
  test('start at once on a new file', { timeout: 60_000 }, async () => {
    const outputs = await inProcesses(
      3,
      `for (let round = 0; round < 40; round++) {
        waitFor(start + round * 50);
        const file = ${JSON.stringify(folder)} + '/new/' + round + '.sqlite';
        const { data, close } = await openDatabase({ DATABASE_FILE: file }, log);
        await data.users.enter({ iss: 'i', sub: 's', name: 'n' });
        close();
      }
      console.log('done');`,
    );
    expect(outputs).toEqual(['done', 'done', 'done']);
  });

  test('enter one new person at once: one row, one id, no error', { timeout: 60_000 }, async () => {
    const outputs = await inProcesses(
      3,
      `const { data, close } = await openDatabase({ DATABASE_FILE: ${JSON.stringify(file)} }, log);
      const ids = [];
      for (let round = 0; round < 40; round++) {
        waitFor(start + round * 20);
        const sub = 'person ' + round;
        const twice = [1, 2].map(() => data.users.enter({ iss: 'https://id.example', sub, name: 'Alice' }));
        for (const { id } of await Promise.all(twice)) ids.push(id);
      }
      close();
      console.log(ids.join());`,
    );
    expect(outputs[0]).toMatch(/^(\d+,){79}\d+$/);
    expect(new Set(outputs).size).toBe(1);
  });

  test('wait while one of them writes', async () => {
    (await openDatabase({ DATABASE_FILE: file }, log)).close();
    const holder = `
      import { DatabaseSync } from 'node:sqlite';
      const database = new DatabaseSync(${JSON.stringify(file)});
      database.exec('BEGIN IMMEDIATE');
      console.log('locked');
      setTimeout(() => database.exec('COMMIT'), 1_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', holder]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const start = Date.now();
    const { data, close } = await openDatabase({ DATABASE_FILE: file }, log);
    expect((await data.users.enter({ iss: 'i', sub: 's', name: 'n' })).id).toBe(1);
    expect(Date.now() - start).toBeGreaterThan(500);
    close();
  });
});

describe('the file', () => {
  test('is made with its folder, and only this user can read it', async () => {
    const { close } = await openDatabase({ DATABASE_FILE: file }, log);
    onTestFinished(close);
    for (const name of [file, `${file}-wal`]) expect(statSync(name).mode & 0o777, name).toBe(0o600);
    using database = new DatabaseSync(file);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });

  test('that cannot be opened stops the start, by name', async () => {
    mkdirSync(file, { recursive: true });
    await expect(openDatabase({ DATABASE_FILE: file }, log)).rejects.toThrow(file);
    const other = join(folder, 'letter.txt');
    writeFileSync(other, 'Dear Alice, '.repeat(100));
    await expect(openDatabase({ DATABASE_FILE: other }, log)).rejects.toThrow(
      `${other}: file is not a database`,
    );
  });

  test('that nobody named leaves the pages out, and the log says so', async () => {
    await using app = await startTestApp({ site, env: { DATABASE_FILE: undefined } });
    const alice = await app.signIn('alice');
    expect((await alice.get('/notes')).status).toBe(404);
    expect(app.log).toContainEqual(
      expect.objectContaining({
        msg: 'DATABASE_FILE is not set: the pages that need a database are not there',
      }),
    );
  });
});

describe('migrations', () => {
  test('run once, in their order', async () => {
    await migrated(base);
    expect(logged).toEqual(['the database was migrated']);
    await migrated(base);
    await migrated({
      ...base,
      '0003-more.sql': more,
      '0004-most.sql': 'ALTER TABLE more ADD COLUMN most TEXT;',
    });
    await migrated({
      ...base,
      '0003-more.sql': more,
      '0004-most.sql': 'ALTER TABLE more ADD COLUMN most TEXT;',
    });
    expect(logged).toEqual(['the database was migrated', 'the database was migrated']);
    expect(tables()).toContain('more');
  });

  test.each([
    [
      'that fails',
      { '0003-more.sql': more, '0004-bad.sql': `${more.replace('more', 'bad')} SELEC 1;` },
      /0004-bad\.sql failed, and nothing was changed: .*syntax error/,
    ],
    [
      'that leaves rows pointing to nothing',
      { '0003-more.sql': `${more} CREATE TABLE child (id REFERENCES more); INSERT INTO child VALUES (7);` },
      /0003-more\.sql leaves rows/,
    ],
    ['after a number left out', { '0004-more.sql': more }, /0004-more\.sql must be number 0003/],
    [
      'with the number of another',
      { '0003-a.sql': more, '0003-b.sql': more },
      /0003-b\.sql must be number 0004/,
    ],
    ['without a number', { 'more.sql': more }, /more\.sql must be number 0003, as in 0003-what-it-does\.sql/],
  ])('%s stops the start, names the file and changes nothing', async (_what, files, says) => {
    await migrated(base);
    const before = tables();
    await expect(migrated({ ...base, ...files } as Record<string, string>)).rejects.toThrow(says);
    expect(tables()).toEqual(before);
    await migrated(base);
  });

  test('that end the transaction by themselves stop the start', async () => {
    await expect(migrated({ ...base, '0003-more.sql': `${more} COMMIT;` })).rejects.toThrow(
      /0003-more\.sql must not COMMIT or ROLLBACK/,
    );
  });

  test('that ran stay as they are', async () => {
    await migrated({ ...base, '0003-more.sql': more });
    await expect(migrated({ ...base, '0003-more.sql': `${more} -- quicker` })).rejects.toThrow(
      /0003-more\.sql was changed after it ran: put it back, and write the change as a new file/,
    );
    await expect(migrated({ ...base, '0003-other.sql': more })).rejects.toThrow(
      /ran migrations\/0003-more\.sql, and now there is 0003-other\.sql/,
    );
    await migrated({ ...base, '0003-more.sql': `${more}`.replaceAll('\n', '\r\n') });
  });

  test('of a newer version are left as they are, and the log says so: a deploy can be taken back', async () => {
    await migrated({ ...base, '0003-more.sql': more });
    logged = [];
    await migrated(base);
    expect(logged).toEqual(['the database was migrated by a newer version of this app']);
    expect(tables()).toContain('more');
  });

  test('can make a table anew without losing what refers to it', async () => {
    const parent = 'CREATE TABLE parent (id INTEGER PRIMARY KEY);';
    const child = 'CREATE TABLE child (parent REFERENCES parent ON DELETE CASCADE);';
    const first = {
      ...base,
      '0003-tables.sql': `${parent} ${child} INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);`,
    };
    await migrated(first);
    const anew =
      'CREATE TABLE new (id INTEGER PRIMARY KEY); INSERT INTO new SELECT id FROM parent; DROP TABLE parent; ALTER TABLE new RENAME TO parent;';
    await migrated({ ...first, '0004-anew.sql': anew });
    using database = new DatabaseSync(file);
    expect(database.prepare('SELECT count(*) AS rows FROM child').get()).toEqual({ rows: 1 });
  });
});
