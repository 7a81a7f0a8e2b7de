import { describe, expect, test } from 'vitest';
import { checkSite, startTestApp } from '../testing/index.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';

// A page, a file or a route at the address of a `proxy` would never be reached, or would hide the API.

const proxy = '/api/notes';

describe('what lies at the address of a proxy', () => {
  const apis = () => ({ notes: { url: 'http://127.0.0.1:1', proxy } });
  const start = ({ more, ...parts }: SmallSite) =>
    startTestApp(smallSite({ ...parts, more: { apis, ...more } })).then((app) => app.stop());

  test.each([proxy, `${proxy}/new`, `${proxy}/:id`])('a page at %s stops the start', async (path) => {
    const views = { mine: '<h1>Mine</h1>' };
    await expect(start({ views, pages: [anyPage({ path, view: 'mine' })] })).rejects.toThrow(
      `site.ts: the page ${path} lies at the \`proxy\` of the API 'notes'. Give one of them another address.`,
    );
  });

  test.each([`public${proxy}/a.js`, `public${proxy}`])('a file at %s stops the start', async (file) => {
    await expect(start({ files: { [file]: 'a' } })).rejects.toThrow(
      `site.ts: the file ${file} lies at the \`proxy\` of the API 'notes'.`,
    );
  });

  test('what lies beside it does not', async () => {
    const views = { mine: '<h1>Mine</h1>' };
    const pages = [
      anyPage({ path: '/api/:name', view: 'mine' }),
      anyPage({ path: '/api/notes-old', view: 'mine' }),
    ];
    await start({ views, pages, files: { 'public/api/notes.js': 'a', 'public/api/notes2/x.js': 'a' } });
  });

  test('a route is named by checkSite', async () => {
    const end = (_req: unknown, res: { end(): void }) => res.end();
    const add = (router: { get: Add; post: Add }) => {
      router.get(`${proxy}/:id`, end);
      router.post(proxy, end);
      router.get('/api/notes-old', end);
    };
    type Add = (path: string, handler: unknown) => void;
    const check = (part: string, added: unknown) => {
      const { site, root } = smallSite({ more: { apis, [part]: added } as never });
      return checkSite(site, { root }).catch(String);
    };
    for (const part of ['routes', 'publicRoutes']) {
      const report = await check(part, add);
      const text = typeof report === 'string' ? report : JSON.stringify(report);
      expect(text).toContain(
        `GET ${proxy}/:id of \`${part}\` cannot be reached: the \`proxy\` of the API 'notes' answers there.`,
      );
      expect(text).toContain(`POST ${proxy} of \`${part}\` cannot be reached`);
      expect(text).not.toContain('notes-old');
    }
  });

  test('is as before where the API has no address', async () => {
    const views = { mine: '<h1>Mine</h1>' };
    const none = () => ({ notes: { url: undefined, proxy } });
    const site = smallSite({ views, more: { apis: none } });
    const app = await startTestApp(site);
    try {
      expect((await app.fetch(proxy)).status).toBe(404);
    } finally {
      await app.stop();
    }
  });
});
