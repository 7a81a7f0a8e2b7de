import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

  test('each block of code says which file it is', () => {
    const blocks = codeBlocks(guide ?? '');
    expect(blocks.length).toBeGreaterThan(30);
    expect(blocks.filter(({ code }) => fileOf(code) === undefined)).toEqual([]);
  });

  test('compiles', { timeout: 120_000 }, async () => {
    expect(await app.outputOf('typescript/bin/tsc', '-p', app.folder)).toBe('');
  });

  test('passes its own tests', { timeout: 120_000 }, async () => {
    expect(await app.test()).toMatch(/Test Files +(\d+) passed \(\1\)/);
  });
});
