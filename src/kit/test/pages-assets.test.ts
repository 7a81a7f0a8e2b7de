import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import supertest from 'supertest';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAssets } from '../http/assets.ts';
import { testFolders } from './helpers/app.ts';

function appWithAssets(options: { development: boolean }) {
  const assets = createAssets(testFolders.public, options);
  const app = express().use(assets.handler);
  return { href: assets.href, get: (path: string) => supertest(app).get(path) };
}

test('in production a file is kept for a year under the address that names its content', async () => {
  const { href: hrefOf, get } = appWithAssets({ development: false });
  for (const path of ['/kit.css', '/site.css', '/session.js', '/favicon.svg']) {
    const href = hrefOf(path);
    expect(href).toMatch(/^\/[a-z]+\.[a-z]+\?v=[\w-]{10}$/);
    const answer = await get(href).expect(200);
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(answer.headers['content-type']).toMatch(/^(text\/css|text\/javascript|image\/svg\+xml)/);
  }
});

test('under any other address a file is asked for again each time', async () => {
  const { href, get } = appWithAssets({ development: false });
  for (const path of ['/site.css', '/site.css?v=older', `${href('/site.css')}&more`, '/%73ite.css']) {
    const { headers } = await get(path).expect(200);
    expect(headers['cache-control']).toBe('no-cache');
    await get(path).set('If-None-Match', String(headers.etag)).expect(304);
  }
});

test('an icon that browsers ask for by themselves is kept for an hour', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'icons-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ['favicon.ico', 'apple-touch-icon.png']) writeFileSync(join(folder, name), 'an icon');
  const iconsOf = (development: boolean) => {
    const assets = createAssets([folder], { development });
    const app = express().use(assets.handler);
    return { assets, get: (path: string) => supertest(app).get(path).expect(200) };
  };
  const { assets, get } = iconsOf(false);
  for (const path of ['/favicon.ico', '/apple-touch-icon.png']) {
    const { headers } = await get(path);
    expect(headers['cache-control']).toBe('public, max-age=3600');
    expect(headers['content-type']).toMatch(/^image\/(x-icon|vnd\.microsoft\.icon|png)$/);
    expect((await get(assets.href(path))).headers['cache-control']).toContain('immutable');
    expect((await iconsOf(true).get(path)).headers['cache-control']).toBe('no-cache');
  }
});

test('an address is answered as it would be with a look at the disk for each', async () => {
  const { get } = appWithAssets({ development: false });
  const plain = express();
  for (const folder of testFolders.public)
    plain.use(express.static(folder, { index: false, redirect: false }));
  const paths = [
    '/site.css',
    '/kit.css',
    '/%73ite.css',
    '/site.css/',
    '/',
    '/profile',
    '/.env',
    '/%2e%2e/a',
    '/%E0%A4',
  ];
  for (const path of paths) {
    const [ours, theirs] = [await get(path), await supertest(plain).get(path)];
    expect(ours.status === 200, path).toBe(theirs.status === 200);
    if (theirs.status === 200) expect(ours.text, path).toBe(theirs.text);
  }
});

test('in development a change is seen at once', async () => {
  const { href, get } = appWithAssets({ development: true });
  expect(href('/site.css')).toBe('/site.css');
  expect((await get(href('/site.css'))).headers['cache-control']).toBe('no-cache');
});

test.each(['/', '/nothing.css', '/.gitignore', '/../package.json', '/%2e%2e/package.json', '/site.css/'])(
  '%s is no static file, in production as in development',
  async (path) => {
    await appWithAssets({ development: false }).get(path).expect(404);
    await appWithAssets({ development: true }).get(path).expect(404);
  },
);

test('the stylesheet stays under 16.5 KB, the scripts under 9.5, 2, 1.3 and 1.5', () => {
  const size = (name: string) => readFileSync(new URL(`../public/${name}`, import.meta.url)).length;
  expect(size('kit.css')).toBeLessThan(16_500);
  expect(size('session.js')).toBeLessThan(9_500);
  expect(size('forms.js')).toBeLessThan(2_000);
  expect(size('times.js')).toBeLessThan(1_300);
  expect(size('message.js')).toBeLessThan(1_500);
});

test('nothing depends on :has() over :empty, which WebKit does not look at again when a script fills it', () => {
  for (const name of ['public/kit.css', 'dev/views/provider.css']) {
    const css = readFileSync(new URL(`../${name}`, import.meta.url), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    for (const rule of css.split('{')) expect(rule, name).not.toMatch(/:has\([^{}]*:empty/);
  }
});

describe('in a browser without light-dark() and color-mix()', () => {
  const css = readFileSync(new URL('../public/kit.css', import.meta.url), 'utf8').replace(
    /\/\*[\s\S]*?\*\//g,
    '',
  );
  /** What is left of it there: no rule that asks for something newer. */
  const plain = css.replace(/^@supports [\s\S]*?^\}/gm, '');
  const namesIn = (text: string, value: RegExp) =>
    [...text.matchAll(/(--[\w-]+):([^;]*);/g)].flatMap(([, name, is = '']) => (value.test(is) ? [name] : []));

  test('each colour has a plain value, the light one', () => {
    const newer = namesIn(css, /light-dark/);
    expect(newer.length).toBeGreaterThan(10);
    expect(newer.filter((name) => !namesIn(plain, /^ #/).includes(name))).toEqual([]);
    for (const [, name, light] of css.matchAll(/(--[\w-]+): light-dark\((#\w+),/g))
      expect(plain).toContain(`${name}: ${light};`);
  });

  test('nothing newer is used where it is not asked for first', () => {
    expect(plain).not.toMatch(/light-dark\(|color-mix\(/);
    // Safari before 16.4 leaves such a block out.
    expect(css).not.toMatch(/@media[^{]*\([^)]*[<>]/);
  });
});
