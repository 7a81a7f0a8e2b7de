import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { findView } from '../http/views.ts';

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

/**
 * The view with what it includes in its place, as far as the names are written out. Includes of the kit's own partials
 * (`/kit/…`) stay as they are.
 */
export function expand(
  { view, text }: Pick<ViewFile, 'view' | 'text'>,
  folders: readonly string[],
  depth = 0,
): string {
  return text.replace(/<%-\s*include\(\s*(['"`])([^'"`]+)\1[\s\S]*?%>/g, (tag, _quote, name: string) => {
    if (/^\/kit\//.test(name) || depth > 10) return tag;
    const from = view.split('/').slice(0, -1);
    const included = (
      name.startsWith('/') ? name.slice(1) : join(...from, name).replaceAll(sep, '/')
    ).replace(/\.ejs$/, '');
    const file = findView(included, folders);
    if (file === undefined) return tag;
    return expand({ view: included, text: withoutComments(readFileSync(file, 'utf8')) }, folders, depth + 1);
  });
}

/** Comments of EJS and of HTML become blank, so that nobody reads them. */
function withoutComments(text: string): string {
  return text.replace(/<%#[\s\S]*?%>|<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ' '));
}
