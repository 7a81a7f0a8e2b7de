import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../folders.ts';
import { codeBlocks, fileOf, kitDoc } from './helpers/docs.ts';
import { createGuideApp, type GuideApp } from './helpers/guide-app.ts';

// Somebody follows docs/guide.md from its top to its end. What they have then is an app that compiles and runs.

const guide = kitDoc('docs/guide.md');

describe.skipIf(!guide)('the app of docs/guide.md', () => {
  let app: GuideApp;
  beforeAll(() => {
    app = createGuideApp(guide ?? '');
  });
  afterAll(() => app?.remove());

  test('each block of TypeScript, EJS and CSS says which file it is', () => {
    const blocks = codeBlocks(guide ?? '').filter(({ language }) => ['ts', 'css'].includes(language));
    expect(blocks.length).toBeGreaterThan(10);
    expect(blocks.filter(({ code }) => fileOf(code) === undefined)).toEqual([]);
  });

  test('compiles', { timeout: 120_000 }, async () => {
    expect(await outputOf('typescript/bin/tsc', ['-p', app.folder])).toBe('');
  });

  test('passes its own tests', { timeout: 120_000 }, async () => {
    // Its cache would be that of the run that this test is in, and a file that one writes may be away for the other.
    const args = ['run', '--root', app.folder, '--no-color', '--fsModuleCache=false'];
    const output = await outputOf('vitest/vitest.mjs', args);
    expect(output).toMatch(/Test Files +1 passed/);
  });

  async function outputOf(program: string, args: readonly string[]): Promise<string> {
    const file = join(projectRoot, 'node_modules', program);
    const options = {
      cwd: app.folder,
      timeout: 110_000,
      env: { ...process.env, NO_COLOR: '1', VITEST: undefined },
    };
    const run = promisify(execFile)(process.execPath, [file, ...args], options);
    const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
    return stdout + stderr;
  }
});
