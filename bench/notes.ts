import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { createNotes, noteKinds } from '../src/data/notes.ts';
import { navigation } from './browser.ts';
import { notesFile, type Running } from './contestants.ts';
import { prepareLoad } from './load.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import { preparePage, signedIn } from './pages.ts';
import type { BenchRedis } from './redis.ts';
import { few, round, table, times, title } from './results.ts';
import { duel, type Measure, medianOf, quick, ratioOf, thorough } from './rounds.ts';
import { how } from './tables.ts';

/** As many as one page of the list shows. */
const count = 20;

/** The page of the notes example, with its database in a file, beside the page that needs none. */
export const notes: Mode = {
  about: 'the page of the notes example with its database, and the profile page',
  async run({ around, redis, quick: isQuick }) {
    const { pages } = isQuick ? quick : thorough;
    const names = ['app', 'appNotes'] as const;
    const samples = await duel(names, around, pages, (running) =>
      running.name === 'appNotes' ? prepareNotes(running, redis) : preparePage(running, redis),
    ).finally(deleteFile);
    const rows = names.map((name) => [
      title(name),
      ...['perSecond', 'cpuMicros'].map((figure) => round(medianOf(samples, name, figure))),
      ...['p50', 'p99', 'redisCommands'].map((figure) => few(medianOf(samples, name, figure))),
    ]);
    const text = [
      `${measuredOn()} ${how(pages)}`,
      `The list of ${count} notes, read from a SQLite file by each request, against the profile page: ${times(ratioOf(samples, 'appNotes', 'app', 'perSecond'))} the pages, ${times(ratioOf(samples, 'appNotes', 'app', 'cpuMicros'))} the CPU. What differs is one query and another view. SQLite runs in the app's own process, so its time is in the CPU here; that of a database elsewhere would not be.`,
      table(['', 'pages/s', 'CPU µs', 'p50 ms', 'p99 ms', 'Redis'], rows),
    ].join('\n\n');
    return [{ title: 'A page with a database', text }];
  },
};

async function prepareNotes(running: Running, redis: BenchRedis): Promise<Measure> {
  const { cookie } = await signedIn(running);
  await addNotes();
  const verifyBody = (body: string) => body.includes('Note 1<') && body.includes(`Note ${count}<`);
  return prepareLoad(running, redis, {
    url: `${running.origin}/notes`,
    headers: { ...navigation, cookie },
    verifyBody,
  });
}

/** For whoever has signed in: there is nobody else in this file. */
async function addNotes(): Promise<void> {
  const database = new DatabaseSync(notesFile, { timeout: 5_000 });
  const [owner] = database.prepare('SELECT iss, sub FROM users').all();
  const { iss, sub } = owner as { iss: string; sub: string };
  for (let number = 1; number <= count; number += 1) {
    const kind = noteKinds[number % noteKinds.length] ?? 'idea';
    const note = { title: `Note ${number}`, text: 'n'.repeat(200), kind, pinned: number % 5 === 0 };
    await createNotes(database).add({ iss, sub }, note);
  }
  database.close();
}

function deleteFile(): void {
  for (const end of ['', '-wal', '-shm']) rmSync(notesFile + end, { force: true });
}
