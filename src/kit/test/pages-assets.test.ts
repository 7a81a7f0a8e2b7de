import { readFileSync } from 'node:fs';
import express from 'express';
import supertest from 'supertest';
import { expect, test } from 'vitest';
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
  for (const path of ['/site.css', '/site.css?v=older', `${href('/site.css')}&more`]) {
    const { headers } = await get(path).expect(200);
    expect(headers['cache-control']).toBe('no-cache');
    await get(path).set('If-None-Match', String(headers.etag)).expect(304);
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

test('the stylesheet stays under 14 KB, the scripts under 4.5 and 2', () => {
  const size = (name: string) => readFileSync(new URL(`../public/${name}`, import.meta.url)).length;
  expect(size('kit.css')).toBeLessThan(14_000);
  expect(size('session.js')).toBeLessThan(4_500);
  expect(size('forms.js')).toBeLessThan(2_000);
});

test('nothing depends on :has() over :empty, which WebKit does not look at again when a script fills it', () => {
  for (const name of ['public/kit.css', 'dev/views/provider.css']) {
    const css = readFileSync(new URL(`../${name}`, import.meta.url), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    for (const rule of css.split('{')) expect(rule, name).not.toMatch(/:has\([^{}]*:empty/);
  }
});
