import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { projectRoot } from '../folders.ts';
import type { AnySite } from '../site.ts';
import type { Person } from '../testing/index.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { codeBlocks, fileOf, kitDoc, sharedFile } from './helpers/docs.ts';
import { createGuideApp, type GuideApp } from './helpers/guide-app.ts';

// Somebody follows docs/guide.md from its top to its end. What they have then is an app that compiles and runs.

const guide = kitDoc('docs/guide.md');

describe.skipIf(!guide)('the app of docs/guide.md for people on a list', () => {
  test('compiles, and passes its tests', { timeout: 120_000 }, async () => {
    const app = createGuideApp(guide ?? '', { listed: true });
    onTestFinished(() => app.remove());
    expect(await app.outputOf('typescript/bin/tsc', '--singleThreaded', '-p', app.folder)).toBe('');
    const said = await app.test('test/allowed.test.ts', 'test/site.test.ts');
    expect(said).toMatch(/Test Files +2 passed \(2\)/);
  });
});

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
    expect(await app.outputOf('typescript/bin/tsc', '--singleThreaded', '-p', app.folder)).toBe('');
  });

  // With the rules that came with the kit: an app's owner may have others.
  test.skipIf(!sharedFile('biome.json'))(
    'is formatted, and has nothing that `npm run check` objects to',
    { timeout: 60_000 },
    async () => {
      const options = ['check', '--vcs-enabled=false', `--config-path=${projectRoot}`];
      const said = await app.outputOf(
        '@biomejs/biome/bin/biome',
        ...options,
        'src/pages',
        'src/data',
        'test',
        'public',
      );
      expect(said).not.toMatch(/Found \d+/);
      expect(said).toMatch(/Checked \d+ files/);
    },
  );

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

    test('its script reads and changes payments by the proxy, and hears of them', async () => {
      const payments = [
        { id: 1, customer: '<b>Ada</b>', paid: false },
        { id: 2, customer: 'Ben', paid: false },
      ];
      const api = createServer(async ({ method, url, headers }, res) => {
        if (url === '/v1/events') {
          const changed = JSON.stringify({ id: 2, paid: true });
          return res
            .writeHead(200, { 'Content-Type': 'text/event-stream' })
            .end(`event: changed\ndata: ${changed}\n\n`);
        }
        const one = payments.find(({ id }) => url === `/v1/${id}`);
        if (one && method === 'PATCH' && headers['if-match'] === '"1"') one.paid = true;
        res.writeHead(200, { 'Content-Type': 'application/json', ETag: '"1"' });
        res.end(JSON.stringify(one ?? payments));
      });
      await once(api.listen(0, '127.0.0.1'), 'listening');
      onTestFinished(() => {
        api.closeAllConnections();
        api.close();
      });
      const { port } = api.address() as AddressInfo;
      const alice = await signIn({ PAYMENT_API_URL: `http://127.0.0.1:${port}/v1` });
      const page = await open(alice, '/payments');
      const [ada, ben] = [page.locator('li[data-id="1"]'), page.locator('li[data-id="2"]')];
      expect(await ada.textContent()).toContain('<b>Ada</b>: open');
      await ben.getByText('paid', { exact: true }).waitFor();
      await ada.getByRole('button', { name: 'Mark as paid' }).click();
      await ada.getByText('paid', { exact: true }).waitFor();
      expect(payments[0]?.paid).toBe(true);
    });

    async function signIn(env: Record<string, string> = {}): Promise<Person> {
      const load = (path: string) => import(pathToFileURL(join(app.folder, path)).href);
      const { site }: { site: AnySite } = await load('src/site.ts');
      const { startTestApp }: typeof import('../testing/index.ts') = await load('src/kit/testing/index.ts');
      const running = await startTestApp({ site, env });
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
        const sent = request.headers();
        const names = ['Accept', 'Content-Type', 'If-Match', 'Kit-Form'];
        const headers = Object.fromEntries(
          names.flatMap((name) => {
            const value = sent[name.toLowerCase()];
            return value === undefined ? [] : [[name, value]];
          }),
        );
        // A person's `fetch` would add the mark that a script has forgotten to send.
        if (request.method() !== 'GET') headers['Kit-Form'] ??= '';
        const body = request.postData();
        const init = { method: request.method(), headers, ...(body !== null && { body }) };
        const answer = await person.fetch(pathname + search, init);
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
