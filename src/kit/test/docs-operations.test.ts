import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { signInFailures } from '../errors/reasons.ts';
import { projectRoot } from '../folders.ts';
import { auditEvents } from '../log/index.ts';
import { inBackquotes, kitDoc, section, sharedFile } from './helpers/docs.ts';
import { manifestFolder, manifests } from './helpers/manifests.ts';

// What somebody relies on at night: the runbook, and the way to a backup.

const page = kitDoc('docs/operations.md');

describe.skipIf(!page)('docs/operations.md', () => {
  const text = page ?? '';
  const runbook = section(text, 'Runbook');

  test('has a command for a backup of SQLite that copies what is only in the second file, while the app runs', () => {
    const [, program = ''] = /^ *node -e "(.*VACUUM INTO.*)"$/m.exec(text) ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'backup-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, 'data'));
    const running = new DatabaseSync(join(folder, 'data/app.sqlite'));
    onTestFinished(() => running.close());
    running.exec('PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES (1)');

    execFileSync(process.execPath, ['-e', program], { cwd: folder, stdio: 'pipe' });

    const copy = new DatabaseSync(join(folder, 'data/backup.sqlite'));
    onTestFinished(() => copy.close());
    expect(copy.prepare('SELECT text FROM notes').all()).toEqual([{ text: '1' }]);
  });

  test.skipIf(!manifests() || process.platform === 'win32')(
    'has a command that gives the app another name in each file for Kubernetes',
    () => {
      const [command = ''] = /^sed .*$/m.exec(section(text, 'Kubernetes')) ?? [];
      const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      cpSync(join(projectRoot, manifestFolder), join(folder, manifestFolder), { recursive: true });
      const read = () =>
        readdirSync(join(folder, manifestFolder)).map((file) => [
          file,
          readFileSync(join(folder, manifestFolder, file), 'utf8'),
        ]);
      const before = read();

      execFileSync('sh', ['-c', command], { cwd: folder, stdio: 'pipe' });

      expect(read()).toEqual(before.map(([file, was]) => [file, was?.replaceAll('my-app', 'invoices')]));
      expect(String(read())).toMatch(/invoices[\s\S]*invoices/);
    },
  );

  test.skipIf(!sharedFile('deploy/alerts.yaml'))('says what to do about each alert', () => {
    const alerts = [...(sharedFile('deploy/alerts.yaml') ?? '').matchAll(/- alert: (\w+)/g)];
    expect(alerts.length).toBeGreaterThan(3);
    for (const [, name] of alerts) expect(text).toContain(name);
  });

  test('names no audit event and no reason of a failed sign-in that does not exist', () => {
    const words = inBackquotes(runbook).filter((word) => /^[a-z]+[._][a-z_.]*[a-z]$/.test(word));
    expect(words.length).toBeGreaterThan(15);
    // The last two are a field of the log and an error of OAuth.
    const known = [...auditEvents, ...Object.keys(signInFailures), 'request_id', 'invalid_client'];
    expect(words.filter((word) => !(known as string[]).includes(word))).toEqual([]);
  });
});
