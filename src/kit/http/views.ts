import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ejs, { type TemplateFunction } from 'ejs';
import escapeHtml from 'escape-html';
import type { Express, Response } from 'express';

const folder = fileURLToPath(new URL('../../views', import.meta.url));

/**
 * `res.render('home', model)` prints `views/home.ejs`. A view is compiled once; in development at every
 * render, so that a change is seen at once. What `res.locals.layout()` returns is handed to the view too.
 */
export function useViews(app: Express, { development }: { development: boolean }): void {
  const compiled = new Map<string, TemplateFunction>();

  function view(file: string): TemplateFunction {
    const known = compiled.get(file);
    if (known) return known;
    const fresh = compileView(file, development);
    if (!development) compiled.set(file, fresh);
    return fresh;
  }

  app.engine('ejs', (file, model, done) => {
    let page: string;
    try {
      page = view(file)(Object.assign(new Model(), layoutOf(model), model));
    } catch (error) {
      return done(error);
    }
    done(null, page);
  });
  app.set('views', folder);
  app.set('view engine', 'ejs');
  app.set('view cache', !development);
}

/**
 * Answers with a view, as `res.render` alone would, but without its copy of the page into a Buffer, which Node then
 * writes apart from the headers.
 */
export function print(res: Response, view: string, model: object): void {
  res.render(view, model, (error, page) => {
    if (error) return res.req.next?.(error);
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.setHeader('Content-Length', Buffer.byteLength(page));
    res.end(page);
  });
}

/** What a view is handed. Nothing of Object.prototype shows through it, whoever may have put something there. */
class Model {}
Object.setPrototypeOf(Model.prototype, null);

function layoutOf({ layout }: { layout?: unknown }): object | undefined {
  return typeof layout === 'function' ? layout() : undefined;
}

function compileView(file: string, development: boolean): TemplateFunction {
  const text = readFileSync(file, 'utf8');
  const options = {
    filename: file,
    root: folder,
    cache: !development,
    escape: escapeHtml,
    // No `with`: a view says `page.title`, so a name can only come from what the page handed over, and the
    // compiled function is as fast as written code.
    strict: true,
    localsName: 'page',
    // What EJS calls unsafe is not to copy what it is given into an object without a prototype. Model is one already,
    // and V8 reads it as fast as any other.
    unsafePrototypeLocals: true,
    // The line of a failing view in the message; without it the function is faster still.
    compileDebug: development,
  };
  return ejs.compile(development ? text : withIncludes(text), options);
}

/**
 * Puts what a view includes in its place, once. EJS would look it up and copy the whole model for it at every
 * render, which takes longer than all the printing. An include that is written otherwise is left to EJS.
 */
function withIncludes(text: string): string {
  return text.replace(/<%- include\('(\/[\w/-]+)'(?:, (\{.*?\}))?\) %>/g, (_tag, name, more) => {
    const included = withIncludes(readFileSync(`${folder}${name}.ejs`, 'utf8'));
    // A room of its own for its names; what it is handed stands before what the page was handed.
    return `<% ((page) => { %>${included}<% })(${more ? `{ ...page, ...${more} }` : 'page'}) %>`;
  });
}
