import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ejs, { type TemplateFunction } from 'ejs';
import type { Express } from 'express';

const folder = fileURLToPath(new URL('../../views', import.meta.url));

/**
 * `res.render('home', model)` prints `views/home.ejs`. A view is compiled once; in development at every
 * render, so that a change is seen at once.
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
      page = view(file)(model);
    } catch (error) {
      return done(error);
    }
    done(null, page);
  });
  app.set('views', folder);
  app.set('view engine', 'ejs');
  app.set('view cache', !development);
}

function compileView(file: string, development: boolean): TemplateFunction {
  return ejs.compile(readFileSync(file, 'utf8'), {
    filename: file,
    // include('/partials/top') is looked up here, without asking the file system at each render.
    root: folder,
    cache: !development,
    // No `with`: a view says `page.title`, so a name can only come from what the page handed over, and the
    // compiled function is as fast as written code.
    strict: true,
    localsName: 'page',
    // The line of a failing view in the message; without it the function is faster still.
    compileDebug: development,
  });
}
