import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { startScriptedApi } from './helpers/lying-api.ts';
import { type Caller, proxyPath, startProxied } from './helpers/proxied.ts';

// What a browser does with `proxy`: scripts of our pages reach the API, and nothing else of a page or another site does.

const evil = "document.title = 'taken'; window.taken = true; (window.opener ?? parent).taken = true;";
const answers: Record<string, [type: string, body: string]> = {
  '/page.html': ['text/html', `<!doctype html><title>A page</title><script>${evil}</script>`],
  '/image.svg': ['image/svg+xml', `<svg xmlns="http://www.w3.org/2000/svg"><script>${evil}</script></svg>`],
  '/script.js': ['text/javascript', `globalThis.taken = true; globalThis.postMessage?.('taken');`],
  '/style.css': ['text/css', 'body { display: none !important }'],
  '/events': ['text/event-stream', 'data: one\n\n'],
};

function answer({ url = '' }: IncomingMessage, res: ServerResponse): void {
  const [type, body] = answers[url.replace(/^\/v1/, '')] ?? ['application/json', '{"ok":true}'];
  res.writeHead(200, { 'Content-Type': type, 'X-Frame-Options': 'ALLOWALL' });
  if (type === 'text/event-stream') res.write(body);
  else res.end(body);
}

/** Runs a script in a page, as its own would. `at` is the proxy's address. */
function run<T>(page: Page, script: string, at = proxyPath): Promise<T> {
  return page.evaluate(`(async (at) => { ${script} })(${JSON.stringify(at)})`);
}

describeWithChromium('in Chromium', () => {
  let chromium: Browser;
  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium?.close());

  async function opened() {
    const proxied = await startProxied({ answer, small: { files: { 'public/mine.js': '' } } });
    const alice = await proxied.caller();
    const page = await newPage(proxied.app.url, alice);
    await page.goto(`${proxied.app.url}/mine`);
    return { ...proxied, alice, page };
  }

  async function newPage(url: string, { cookie }: Caller): Promise<Page> {
    const context = await chromium.newContext();
    onTestFinished(() => context.close());
    const [name = '', ...value] = cookie.split('=');
    await context.addCookies([{ name, value: value.join('='), url }]);
    return context.newPage();
  }

  test('a script of our page reads, writes and listens, and what it reads stays a text', async () => {
    const { page, api } = await opened();
    const got = await run(
      page,
      `
      const mark = document.querySelector('meta[name=kit-form]')?.content ?? '';
      const events = new EventSource(at + '/events');
      const event = await new Promise((resolve) => {
        events.onmessage = ({ data }) => resolve(data);
      });
      events.close();
      const read = await fetch(at + '/page.html').then((response) => response.text());
      const headers = { 'Kit-Form': mark, 'Content-Type': 'application/json' };
      const written = await fetch(at, { method: 'PUT', body: '{}', headers });
      const unmarked = await fetch(at, { method: 'PUT', body: '{}' });
      return [event, read.startsWith('<!doctype html>'), await written.json(), unmarked.status];
    `,
      proxyPath,
    );
    expect(got).toEqual(['one', true, { ok: true }, 403]);
    expect(api.lines()).toEqual(['GET /v1/events', 'GET /v1/page.html', 'PUT /v1']);
    expect(await run(page, `return 'taken' in window;`)).toBe(false);
  });

  test('nothing that a page loads without a script reaches the API', async () => {
    const { page, api } = await opened();
    const outcomes = await run<string[]>(
      page,
      `
      const load = (name, attributes) =>
        new Promise((resolve) => {
          const element = Object.assign(document.createElement(name), attributes);
          element.onload = () => resolve(\`\${name} loaded\`);
          element.onerror = () => resolve('refused');
          setTimeout(resolve, 1_500, 'refused');
          document.body.append(element);
        });
      const worker = await new Promise((resolve) => {
        const started = new Worker(at + '/script.js');
        started.onmessage = () => resolve('ran');
        started.onerror = () => resolve('refused');
      });
      const serviceWorker = await navigator.serviceWorker.register(at + '/script.js').then(
        () => 'registered',
        () => 'refused',
      );
      const imported = await import(at + '/script.js').then(
        () => 'imported',
        () => 'refused',
      );
      return [
        ...[worker, serviceWorker, imported],
        ...(await Promise.all([
          load('img', { src: at + '/image.svg' }),
          load('script', { src: at + '/script.js' }),
          load('script', { src: at + '/script.js?module', type: 'module' }),
          load('link', { href: at + '/style.css', rel: 'stylesheet' }),
          load('link', { href: at + '/page.html', rel: 'prefetch' }),
          load('object', { data: at + '/image.svg' }),
          load('embed', { src: at + '/image.svg' }),
          load('video', { src: at + '/a.mp4' }),
        ])),
      ];
    `,
      proxyPath,
    );
    expect(outcomes).toEqual(outcomes.map(() => 'refused'));
    await run(
      page,
      `
      const frame = Object.assign(document.createElement('iframe'), { src: at + '/page.html' });
      document.body.append(frame);
      return new Promise((resolve) => setTimeout(resolve, 1_000));
    `,
      proxyPath,
    );
    expect(api.lines()).toEqual([]);
    expect(await run(page, `return 'taken' in window;`)).toBe(false);
  });

  test('an address that is opened, and a form, do not reach it either', async () => {
    const { page, api, app } = await opened();
    const typed = await page.goto(`${app.url}${proxyPath}/page.html`);
    expect([typed?.status(), await page.title()]).toEqual([403, '']);
    await page.goto(`${app.url}/mine`);
    const followed = page.waitForNavigation();
    await run(page, `return location.assign(at + '/page.html');`, proxyPath);
    expect((await followed)?.status()).toBe(403);
    await page.goto(`${app.url}/mine`);
    const posted = page.waitForNavigation();
    await run(
      page,
      `
      const form = Object.assign(document.createElement('form'), { method: 'post', action: at });
      document.body.append(form);
      form.submit();
    `,
      proxyPath,
    );
    expect((await posted)?.status()).toBe(403);
    expect(api.lines()).toEqual([]);
  });

  test('another site reaches nothing', async () => {
    const { alice, api, app } = await opened();
    const other = await startScriptedApi((_req, res) =>
      res.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>Other</title>'),
    );
    const page = await newPage(app.url, alice);
    await page.goto(other.url.replace('127.0.0.1', 'localhost'));
    const outcomes = await run<string[]>(
      page,
      `
      const send = (init) =>
        fetch(at, { credentials: 'include', ...init }).then(
          () => 'sent',
          () => 'refused',
        );
      return [
        await send({}),
        await send({ method: 'PUT' }),
        await send({ headers: { 'Kit-Form': 'x' } }),
        await send({ mode: 'no-cors' }),
        await send({ mode: 'no-cors', method: 'POST', body: 'a' }),
      ];
    `,
      app.url + proxyPath,
    );
    // What needs no leave of ours is sent, and the page sees nothing of what came.
    expect(outcomes.slice(0, 3)).toEqual(['refused', 'refused', 'refused']);
    expect(api.lines()).toEqual([]);
  });

  test.each(['/page.html', '/image.svg'])('%s would be inert even as a page of its own', async (path) => {
    const { alice } = await opened();
    const { headers, body } = await alice.send({ path: proxyPath + path });
    let own: object = headers;
    const copy = await startScriptedApi((_req, res) => res.writeHead(200, own as never).end(body));
    const page = await newPage(copy.url, alice);
    await page.goto(copy.url);
    const isTaken = () => run(page, `return 'taken' in window;`);
    expect(await isTaken()).toBe(false);
    // With its type only, it is not: that is what the other headers are for.
    own = { 'Content-Type': headers['content-type'] };
    await page.goto(copy.url);
    expect(await isTaken()).toBe(true);
  });
});
