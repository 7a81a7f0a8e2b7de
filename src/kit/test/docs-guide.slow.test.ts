import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { AnySite } from '../site.ts';
import type { Person } from '../testing/index.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
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

  test('starts four times at once on a new database', { timeout: 60_000 }, async () => {
    const open = `
      const { openData } = await import('./src/data/data.ts');
      const quiet = { info() {}, warn() {} };
      const { data, close } = await openData({ DATABASE_FILE: 'data/new.sqlite' }, quiet);
      const person = { iss: 'https://id.example', sub: '1', name: 'Alice', email: undefined };
      process.stdout.write(JSON.stringify((await data.users.enter(person)).id));
      close();`;
    const node = promisify(execFile);
    const args = ['--no-warnings', '--input-type=module', '--eval', open];
    const runs = await Promise.all(
      [1, 2, 3, 4].map(() => node(process.execPath, args, { cwd: app.folder, timeout: 50_000 })),
    );
    expect(runs.map(({ stdout }) => stdout)).toEqual(['1', '1', '1', '1']);
  });

  describeWithChromium('in Chromium', () => {
    let chromium: Browser;
    beforeAll(async () => {
      chromium = await launchChromium();
    });
    afterAll(() => chromium?.close());

    test('its scripts do what the guide says', async () => {
      const alice = await signIn();
      const form = await alice.get('/invoices/new');
      for (let number = 1; number <= 21; number++) {
        const key = `00000000-0000-4000-8000-0000000000${10 + number}`;
        const fields = { customer: `<b>${number}</b>`, kind: 'services', quantity: 1, key };
        await alice.post('/invoices/new/add', { ...fields, 'kit-form': form.field('kit-form') });
      }
      const page = await open(alice, '/invoices');
      const cards = page.locator('#invoices .card');
      expect(await cards.count()).toBe(20);
      await page.getByRole('link', { name: 'Older invoices' }).click();
      await cards.nth(20).waitFor();
      expect(await cards.nth(20).textContent()).toContain('<b>1</b>');
      expect(await page.getByRole('link', { name: 'Older invoices' }).count()).toBe(0);
    });

    test('its script that posts says for whom its page was printed', async () => {
      const alice = await signIn();
      const archive = (await alice.get('/about')).body;
      const page = await open(alice, '/about');
      await page.setContent(
        archive.replace('</main>', () => '<button id="archive">Archive all</button></main>'),
      );
      await page.addScriptTag({ url: '/archive.js' });
      await page.getByRole('button', { name: 'Archive all' }).click();
      await page.getByRole('button', { name: 'Archived' }).waitFor();
    });

    async function signIn(): Promise<Person> {
      const load = (path: string) => import(pathToFileURL(join(app.folder, path)).href);
      const { site }: { site: AnySite } = await load('src/site.ts');
      const { startTestApp }: typeof import('../testing/index.ts') = await load('src/kit/testing/index.ts');
      const running = await startTestApp({ site });
      onTestFinished(() => running.stop());
      return running.signIn('alice');
    }

    /** A page in a browser whose requests are those of a person of the tests. */
    async function open(person: Person, path: string): Promise<Page> {
      const page = await chromium.newPage();
      onTestFinished(() => page.close());
      await page.route('**/*', async (route) => {
        const request = route.request();
        const { pathname, search } = new URL(request.url());
        const { accept = '*/*', 'kit-form': mark = '' } = request.headers();
        const headers = { Accept: accept, 'Kit-Form': mark };
        const answer = await person.fetch(pathname + search, { method: request.method(), headers });
        await route.fulfill({
          status: answer.status,
          headers: Object.fromEntries(answer.headers),
          body: answer.body,
        });
      });
      await page.goto(new URL(path, person.page.url).href);
      return page;
    }
  });
});
