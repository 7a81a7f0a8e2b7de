import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import type { Folders } from '../folders.ts';
import { findView } from '../http/views.ts';
import type { Page } from '../pages/page.ts';

/** A view of the site's own. */
export interface ViewFile {
  /** As a person names it: `views/partials/top.ejs`. */
  name: string;
  /** As pages name it: `partials/top`. */
  view: string;
  /** Without its comments. Lines stay where they were. */
  text: string;
}

/** Every view in a folder, those in folders below it too. */
export function readViews(folder: string): ViewFile[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.ejs'),
  );
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((file) => ({ file, path: relative(folder, file).replaceAll(sep, '/') }))
    .map(({ file, path }) => ({
      name: `views/${path}`,
      view: path.replace(/\.ejs$/, ''),
      text: withoutComments(readFileSync(file, 'utf8')),
    }));
}

/** True for `welcome.txt.ejs`, as of a plain email: nothing in it is HTML. */
export function isText(view: string): boolean {
  return /\.(txt|text)$/.test(view);
}

/**
 * The views that end up in pages: those that pages name, those that win over the kit's or have its parts, and whatever they
 * include. Others may be emails, which have their styles inside.
 */
export function shownInBrowser(
  views: readonly ViewFile[],
  folders: Folders,
  pages: readonly Page[],
): readonly ViewFile[] {
  const shown = new Set<string>();
  const show = (name: string) => {
    const view = views.find((one) => one.view === name);
    if (!view || shown.has(name)) return;
    shown.add(name);
    for (const included of includedBy(view)) show(included);
  };
  for (const view of views) {
    const ofPage = pages.some((page) => page.view === view.view);
    const ofKit = findView(view.view, folders.views.slice(1)) !== undefined;
    if (ofPage || ofKit || /<%-\s*include\(\s*['"`]\/kit\//.test(expand(view, folders.views)))
      show(view.view);
  }
  return views.filter(({ view }) => shown.has(view));
}

/** The views that a view includes, as far as their names are written out. */
export function includedBy({ view, text }: Pick<ViewFile, 'view' | 'text'>): string[] {
  return [...text.matchAll(include)].map(([, , name = '']) => resolve(view, name));
}

/** The names that a view hands to what it includes: `include('/row', { note, last: true })`. */
export function handedOn({ text }: ViewFile): string[] {
  return [...text.matchAll(/<%-\s*include\(([\s\S]*?)%>/g)].flatMap(([, given = '']) =>
    [...given.matchAll(/(?<=[{,]\s*)([A-Za-z_$][\w$]*)(?=\s*[:,}])/g)].map(([, name = '']) => name),
  );
}

const include = /<%-\s*include\(\s*(['"`])([^'"`]+)\1[\s\S]*?%>/g;

/** The view that another one includes by this name: from the root, or beside itself. */
function resolve(from: string, name: string): string {
  const path = name.startsWith('/') ? name.slice(1) : join(dirname(from), name).replaceAll(sep, '/');
  return path.replace(/\.ejs$/, '');
}

/**
 * The view with what it includes in its place, as far as the names are written out. Includes of the kit's own partials
 * (`/kit/…`) stay as they are.
 */
export function expand(
  { view, text }: Pick<ViewFile, 'view' | 'text'>,
  folders: readonly string[],
  depth = 0,
): string {
  return text.replace(include, (tag, _quote, name: string) => {
    if (/^\/kit\//.test(name) || depth > 10) return tag;
    const included = resolve(view, name);
    const file = findView(included, folders);
    if (file === undefined) return tag;
    return expand({ view: included, text: withoutComments(readFileSync(file, 'utf8')) }, folders, depth + 1);
  });
}

/** Comments of EJS and of HTML become blank, so that nobody reads them. */
function withoutComments(text: string): string {
  return text.replace(/<%#[\s\S]*?%>|<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ' '));
}
