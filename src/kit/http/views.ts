import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ejs, { type TemplateFunction } from 'ejs';
import escapeHtml from 'escape-html';
import type { Express, Response } from 'express';
import { nearest } from '../config/nearest.ts';
import { inOneLine } from '../config/unknown-parts.ts';
import { listFiles } from './assets.ts';
import { siteIn } from './site-words.ts';

/**
 * `res.render('home', model)` prints `home.ejs`. A view is compiled once; in development at every render, so that a
 * change is seen at once. What `res.locals.layout()` returns, at once or later, is handed to the view too.
 *
 * @param folders where views are looked up, those that they include as well: the site's first, then the kit's
 */
export function useViews(
  app: Express,
  folders: readonly string[],
  { development }: { development: boolean },
): void {
  const compiled = new Map<string, TemplateFunction>();

  function view(file: string): TemplateFunction {
    const known = compiled.get(file);
    if (known) return known;
    const fresh = compileView(file, folders, development);
    if (!development) compiled.set(file, fresh);
    return fresh;
  }

  async function print(file: string, model: { layout?: unknown }): Promise<string> {
    const layout = typeof model.layout === 'function' ? await model.layout() : undefined;
    const page = { ...layout, ...model };
    // As the layout says, which no model can: an error page has none yet.
    const site = siteIn(app, layout?.lang ?? page.lang);
    return view(file)(site ? { ...page, site } : page);
  }

  app.engine('ejs', (file, model, done) => {
    print(file, model)
      .then((page) => done(null, page))
      // What Express does with the page may throw too: a promise that nobody hears would end the process.
      .catch(done);
  });
  app.set('views', [...folders]);
  app.set('view engine', 'ejs');
  app.set('view cache', !development);
}

/**
 * Answers with a view, as `res.render` alone would, but without its copy of the page into a Buffer, which Node then
 * writes apart from the headers. By `res.render` alone a page takes 1.04 to 1.06 × the CPU, and its p99 rose from 6 to
 * 11 ms (bench, November 2026).
 *
 * @param finish what is to be done with the page before it is sent
 */
export function print(
  res: Response,
  view: string,
  model: object,
  finish = (printed: string) => printed,
): void {
  res.render(view, model, (error, printed) => {
    if (error) return res.req.next?.(withoutView(view, res.app.get('views')) ?? error);
    const page = finish(printed);
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.setHeader('Content-Length', Buffer.byteLength(page));
    res.end(page);
  });
}

/** The file of a view, in the first folder that has it. */
export function findView(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, `${name}.ejs`)).find((file) => existsSync(file));
}

/** What to say of a view that is in none of the folders. */
export function missingView(name: string, folders: readonly string[]): string {
  const names = listFiles(folders).map(({ path: file }) => file.replace(/^\/|\.ejs$/g, ''));
  // Written as a file, or as an address.
  const plain = name.replace(/^\/?(views\/)?|\.ejs$/g, '');
  const near = names.includes(plain) ? plain : nearest(plain, new Set(names));
  const missing = `there is no views/${inOneLine(name, 80)}.ejs.`;
  return `${missing} ${near ? `Did you mean "${near}"?` : 'Write it.'}`;
}

/** For a view whose file was there at the start: without a stack, which would only lead through the kit. */
function withoutView(name: string, folders: readonly string[]): Error | undefined {
  if (findView(name, folders)) return undefined;
  const error = new Error(missingView(name, folders));
  error.stack = `Error: ${error.message}`;
  return error;
}

function compileView(file: string, folders: readonly string[], development: boolean): TemplateFunction {
  const text = readFileSync(file, 'utf8');
  const options = {
    filename: file,
    root: [...folders],
    cache: !development,
    escape: escaped,
    // No `with`: a view says `page.title`, so a name can only come from what the page handed over, and the
    // compiled function is as fast as written code.
    strict: true,
    localsName: 'page',
    // The line of a failing view in the message; without it the function is faster still.
    compileDebug: development,
  };
  return ejs.compile(development ? text : withIncludes(text, folders), options);
}

/**
 * What is not there is printed as nothing, as EJS itself does: `value="<%= page.form.values.name %>"` on a fresh page.
 * With EJS's own escaping a page takes 1.06 to 1.10 × the CPU (bench of November 2026).
 */
function escaped(value: unknown): string {
  return value === undefined || value === null ? '' : escapeHtml(String(value));
}

/**
 * Puts what a view includes in its place, once. EJS would look it up and copy the whole model for it at every
 * render: 1.80 × the CPU of a page (bench of November 2026). An include that is written otherwise is left to EJS.
 */
function withIncludes(text: string, folders: readonly string[]): string {
  return text.replace(/<%- include\('(\/[\w/-]+)'(?:, (\{.*?\}))?\) %>/g, (tag, name, more) => {
    const file = findView(name, folders);
    if (file === undefined) return tag;
    const included = withIncludes(readFileSync(file, 'utf8'), folders);
    // A scope of its own for its names; what it is handed goes before what the page was handed.
    return `<% ((page) => { %>${included}<% })(${more ? `{ ...page, ...${more} }` : 'page'}) %>`;
  });
}
