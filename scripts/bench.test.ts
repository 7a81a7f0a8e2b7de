import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import express from 'express';
import supertest from 'supertest';
import { expect, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { useViews } from '../src/kit/http/views.ts';

// No type holds bench/servers/page.js to the views that it prints.

test('the page that the bench prints on other servers is the profile page of this app', async () => {
  const page = await import(pathToFileURL(join(projectRoot, 'bench/servers/page.js')).href);
  const claims = { sub: 'alice', name: 'Alice Adams', email: 'alice@example.com', roles: ['member'] };
  for (const wire of [
    page.useViews,
    (app: express.Express) => useViews(app, page.folders.views, { development: false }),
  ]) {
    const app = express();
    wire(app);
    app.get('/profile', (_req, res) => page.renderProfile(res, claims));
    const { status, text } = await supertest(app).get('/profile');
    expect(status, text.slice(0, 500)).toBe(200);
    expect(text).toContain('<bdi>Alice Adams</bdi>');
    expect(text).toMatch(/href="\/kit\.css\?v=[\w-]{10}"/);
    expect(text).not.toMatch(/undefined|\[object Object\]/);
  }
});
