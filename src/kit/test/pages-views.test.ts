import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ejs from 'ejs';
import express from 'express';
import supertest from 'supertest';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { alice } from '../dev/gallery-people.ts';
import { english } from '../errors/language.ts';
import { createAssets } from '../http/assets.ts';
import { print, useViews } from '../http/views.ts';
import { testFolders } from './helpers/app.ts';
import { sourcesIn } from './helpers/sources.ts';
import { allStates, createTestGallery } from './site/gallery-states.ts';

const views = testFolders.views.flatMap((folder) => sourcesIn(folder, '**/*.ejs'));

function appWithViews({ development }: { development: boolean }) {
  const app = express();
  useViews(app, testFolders.views, { development });
  const assets = createAssets(testFolders.public, { development });
  app.use(assets.handler);
  Object.assign(app.locals, { site: { name: 'App', development }, asset: assets.href });
  return app;
}

/** What the test site's home page needs. */
const model = { title: 'Home', lang: 'en', kitText: english.text, greeting: 'Hello' };

const galleries = new Map(
  [true, false].map((development) => [development, createTestGallery({ development })]),
);

function state(name: string, { development = false } = {}) {
  return supertest(galleries.get(development) as express.Express).get(`/dev/gallery/${name}`);
}

describe('the views', () => {
  test.each(views)('$name prints escaped, but for what it includes', ({ text }) => {
    const raw = text.match(/<%-.*?%>/gs) ?? [];
    for (const tag of raw)
      expect(tag).toMatch(/^<%- include\('\/(partials|kit)\/[a-z-]+'(, \{ [\w:, .']+ \})?\) %>$/);
  });

  test.each(views)('$name holds no script, style or handler of its own', ({ text }) => {
    expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=|javascript:/i);
    const scripts = (text.match(/<script[\s\S]*?<\/script>/gi) ?? []).filter(
      (tag) => !/^<script src="<%= page\.asset\([^)]*\) %>" defer><\/script>$/.test(tag),
    );
    expect(scripts).toEqual([]);
  });

  test.each(views)('$name asks nobody else for anything', ({ text }) => {
    expect(text).not.toMatch(/(src|href|action)="(https?:)?\/\//);
  });

  test.each(allStates)('$name: whatever claims hold is printed as text', async ({ name }) => {
    const { text } = await state(name);
    expect(text).not.toMatch(/<script>|<img|<b>claim|<i>role/);
    expect(text).not.toMatch(/undefined|\[object Object\]|NaN/);
    expect(text.match(/<h1[ >]/g)).toHaveLength(1);
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
  });

  test('who is signed in, and a sign-out button, stand on every page of a signed-in user', async () => {
    for (const { name, user } of allStates.filter((each) => each.user)) {
      const { text } = await state(name);
      expect(text, name).toContain('<form method="post" action="/auth/logout"><button');
      if (user === alice) expect(text, name).toContain('<span class="initials" aria-hidden="true">AA</span>');
    }
  });

  test('the link to help is at the same place on every page, behind all others', async () => {
    for (const { name } of allStates) {
      const { text } = await state(name);
      expect(text.slice(text.lastIndexOf('<a ')), name).toMatch(
        /^<a href="mailto:help@example\.com">Get help/,
      );
    }
  });

  test('a list without bullets is called a list all the same', async () => {
    expect((await state('profile')).text).toContain('<ul role="list" class="values');
  });

  test('an error is announced by its title, once, and gives its request id; a question has none', async () => {
    const error = await state('error-500');
    expect(error.text).not.toContain('role="alert"');
    expect(error.text).toMatch(/<title>Something went wrong · /);
    expect(error.text).toMatch(/<svg class="kind" [^>]*aria-hidden="true">/);
    expect(error.text).toContain('5d1f0c9e-7a43-4c1b-9d2e-0b6f2a8c4e17');
    const question = await state('third-party-start');
    expect(question.text).not.toMatch(/role="alert"|5d1f0c9e|message\.js/);
    expect(question.text).toContain('<input type="hidden" name="target_link_uri" value="/profile">');
  });
});

describe('rendering', () => {
  test('a query is not handed to the view', async () => {
    const app = appWithViews({ development: true });
    app.get('/home', (_req, res) => res.render('home', model));
    const query = 'title=hacked&settings[view options][client]=1&cache=1&user[name]=mallory&delimiter=x';
    const { text } = await supertest(app).get(`/home?${query}`).expect(200);
    expect(text).not.toMatch(/hacked|mallory/);
  });

  test.each(allStates)('$name is the same page with what it includes put in place once', async ({ name }) => {
    // A minute that ends between the two makes no other page.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    onTestFinished(() => void vi.useRealTimers());
    const shown = async (development: boolean) => {
      const { text } = await state(name, { development });
      return text
        .replaceAll(/\?v=[\w-]+/g, '')
        .replaceAll(/ data-(now|expires-at|idle-expires-at)="[^"]+"/g, '');
    };
    expect(await shown(false)).toBe(await shown(true));
  });

  test('nothing shines through from the prototype of all objects', async () => {
    Object.assign(Object.prototype, { storeAway: true, ends: {}, nav: ['/a', '/b'] });
    onTestFinished(() => {
      for (const name of ['storeAway', 'ends', 'nav']) Reflect.deleteProperty(Object.prototype, name);
    });
    const app = appWithViews({ development: false });
    app.get('/home', (_req, res) => res.render('home', model));
    const { text } = await supertest(app).get('/home').expect(200);
    expect(text).not.toMatch(/class="notice"|class="ending"|href="\/a"/);
  });

  test('an include that is written otherwise is left to EJS', async () => {
    const app = appWithViews({ development: false });
    const folder = mkdtempSync(join(tmpdir(), 'views-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'other.ejs'), '<%- include("/kit/rows", { rows: page.some }) %>');
    app.set('views', folder);
    app.get('/other', (_req, res) => res.render('other', { some: [{ name: 'a <b>', value: {} }] }));
    const { text } = await supertest(app).get('/other').expect(200);
    expect(text).toContain('<code>a &lt;b&gt;</code>');
  });

  test('a view that fails is an error, not half a page', async () => {
    const app = appWithViews({ development: false });
    app.get('/broken', (_req, res) => res.render('home', { user: { name: 'Alice' } }));
    app.get('/broken-page', (_req, res) => print(res, 'home', { user: { name: 'Alice' } }));
    app.use(((_error, _req, res, _next) => res.status(500).send('oops')) as express.ErrorRequestHandler);
    await supertest(app).get('/broken').expect(500, 'oops');
    await supertest(app).get('/broken-page').expect(500, 'oops');
  });

  test('a page is answered as Express would answer it, and to HEAD without a body', async () => {
    const app = appWithViews({ development: false });
    app.disable('etag');
    app.get('/page', (_req, res) => print(res, 'home', { ...model, title: 'Grüße 👋' }));
    app.get('/same', (_req, res) => res.render('home', { ...model, title: 'Grüße 👋' }));
    const [page, same] = [await supertest(app).get('/page'), await supertest(app).get('/same')];
    expect([page.status, page.text]).toEqual([200, same.text]);
    expect(page.text).toContain('Grüße 👋');
    const { date: _, ...expected } = same.headers;
    expect(page.headers).toMatchObject(expected);
    const head = await supertest(app).head('/page');
    expect([head.text, head.headers['content-length']]).toEqual([undefined, same.headers['content-length']]);
  });

  test('what is printed is escaped as EJS itself escapes it', async () => {
    const app = appWithViews({ development: false });
    const folder = mkdtempSync(join(tmpdir(), 'views-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const text = '<% for (const value of page.values) { %>[<%= value %>]<% } %>';
    writeFileSync(join(folder, 'escaped.ejs'), text);
    app.set('views', folder);
    const values = [`<a href="x" title='y'>&amp;</a>`, '', 0, false, null, undefined, ['<', '>'], 'é 👋'];
    app.get('/escaped', (_req, res) => res.render('escaped', { values }));
    const plain = ejs.render(text, { values }, { strict: true, localsName: 'page' });
    const printed = (await supertest(app).get('/escaped').expect(200)).text;
    // Two ways to write one character.
    expect(printed.replaceAll('&quot;', '&#34;')).toBe(plain);
  });

  test('in production a view is compiled once', async () => {
    const app = appWithViews({ development: false });
    const render = () =>
      new Promise<void>((resolve, reject) => {
        app.render('home', model, (error) => (error ? reject(error) : resolve()));
      });
    await render();
    const compile = vi.spyOn(ejs, 'compile');
    onTestFinished(() => compile.mockRestore());
    for (let i = 0; i < 5; i++) await render();
    expect(compile).not.toHaveBeenCalled();
  });
});

test('a view whose file is gone since the start is named, with the one that may be meant, and no stack of the kit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'views-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'word.ejs'), 'a word');
  const app = express();
  useViews(app, [folder], { development: true });
  app.get('/:view', (req, res) => print(res, req.params.view, {}));
  const failed: Error[] = [];
  app.use(((error, _req, res, _next) => {
    failed.push(error);
    res.sendStatus(500);
  }) satisfies express.ErrorRequestHandler);
  expect((await supertest(app).get('/word')).text).toBe('a word');
  await supertest(app).get('/words').expect(500);
  await supertest(app).get('/quite-another').expect(500);
  expect(failed.map(({ stack }) => stack)).toEqual([
    'Error: there is no views/words.ejs. Did you mean "word"?',
    'Error: there is no views/quite-another.ejs. Write it.',
  ]);
});
