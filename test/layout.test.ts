import { expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

// About views/partials: change these tests with your layout.

const help = 'mailto:help@example.com';

// WCAG 2.2, 3.2.6: people find it where they found it before.
test('the link to help is at the same place on every page', async () => {
  await using app = await startTestApp({ site: { ...site, help } });
  const alice = await app.signIn('alice', { roles: ['admin'] });
  const menu = (await alice.get('/')).links.map(({ href }) => href).filter((href) => href.startsWith('/'));
  const visitor = app.visitor();
  const pages = [
    ...(await Promise.all(
      [...new Set(menu), '/auth/logout', '/no-such-page'].map((path) => alice.get(path)),
    )),
    ...(await Promise.all(['/', '/signed-out', '/no-such-page'].map((path) => visitor.get(path)))),
  ];
  expect(pages.length).toBeGreaterThan(5);
  for (const { path, links } of pages) expect(links.at(-1)?.href, path).toBe(help);
});

test('search engines are told what the app is for', async () => {
  const description = 'Write <invoices>, and see which are paid.';
  await using app = await startTestApp({ site: { ...site, description } });
  const escaped = 'Write &lt;invoices&gt;, and see which are paid.';
  expect((await app.get('/')).body).toContain(`<meta name="description" content="${escaped}">`);
  const { description: _said, ...unsaid } = site;
  await using plain = await startTestApp({ site: unsaid });
  expect((await plain.get('/')).body).not.toContain('name="description"');
});

test('each icon that a page names is there, and the one that browsers ask for by themselves', async () => {
  await using app = await startTestApp({ site });
  const { body } = await app.get('/');
  const icons = [...body.matchAll(/<link rel="(?:icon|apple-touch-icon)" href="([^"]+)"/g)].map(
    ([, href]) => href,
  );
  expect(icons.length).toBeGreaterThan(0);
  for (const href of ['/favicon.ico', ...icons]) {
    const answer = await app.get(href ?? '');
    expect([answer.status, answer.headers.get?.('content-type')], href).toEqual([
      200,
      expect.stringMatching(/^image\//),
    ]);
  }
});
