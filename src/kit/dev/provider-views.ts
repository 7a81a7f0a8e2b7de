import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ejs from 'ejs';
import type { Response } from 'express';

/** Makes one of the pages in views/. */
export type Render = (view: string, model: object) => Promise<string>;

/** @param look which provider this is: its name chooses the colour, and its label is in the header of each page */
export function createRender(look: { name: string; label: string }): Render {
  return (view, model) =>
    ejs.renderFile(
      fileURLToPath(new URL(`./views/${view}.ejs`, import.meta.url)),
      { page: { ...model, provider: look } },
      {},
    );
}

/** Of each page, also those that are printed from inside the library's endpoints. */
export const pageHeaders = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src http: https:; frame-ancestors 'none'; base-uri 'none'",
};

export function showWith(render: Render) {
  return async (res: Response, view: string, model: object) => {
    const body = await render(view, model);
    res.set(pageHeaders);
    res.type('html').send(body);
  };
}

/** Read anew each time, so that a change is seen at once. */
export async function sendFile(res: Response, type: string, file: string) {
  const text = await readFile(new URL(file, import.meta.url), 'utf8').catch(() => '');
  res.type(type).set('Cache-Control', 'no-cache').send(text);
}
