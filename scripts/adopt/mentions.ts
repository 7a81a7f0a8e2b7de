import { posix } from 'node:path';

/**
 * The files that a file may name: what it imports, views that it prints or includes, public files. Rather one too many
 * than one too few: what is named stays.
 */
export function mentionedBy(path: string, text: string): Set<string> {
  const folder = posix.dirname(path);
  const found = new Set<string>();
  for (const [, , relative = ''] of text.matchAll(/(['"`])(\.{1,2}\/[^'"`\s]+)\1/g))
    found.add(posix.join(folder, relative));
  for (const [, , view = ''] of text.matchAll(/\b(?:view:\s*|render\(\s*)(['"`])([\w./-]+)\1/g))
    found.add(posix.join('views', withEnding(view)));
  for (const [, , included = ''] of text.matchAll(/\binclude\(\s*(['"`])([\w./-]+)\1/g))
    found.add(posix.join(included.startsWith('/') ? 'views' : folder, withEnding(included)));
  for (const [, , asset = ''] of text.matchAll(/(['"`])(\/[\w./-]+\.\w+)\1/g)) found.add(`public${asset}`);
  return found;
}

/** The addresses that a file links to, with `:` where it fills something in: `/notes/<%= id %>` → `/notes/:`. */
export function linksIn(text: string): Set<string> {
  const filledIn = text.replaceAll(/<%[-=].*?%>|\$\{[^}]*\}/gs, ':');
  const links = filledIn.matchAll(/(?<!\bpath:\s*)(['"`])(\/[^'"`\s?#]*)[^'"`\n]*\1/g);
  return new Set([...links].map(([, , link = '']) => link));
}

/** The addresses of the pages that a file defines, written in the same way: `/notes/:id` → `/notes/:`. */
export function pathsIn(text: string): Set<string> {
  const paths = text.matchAll(/\bpath:\s*(['"`])(\/[^'"`\s]*)\1/g);
  return new Set([...paths].map(([, , path = '']) => path.replaceAll(/:\w+/g, ':')));
}

/** What a test of the example is about: `test/notes-in-a-form.test.ts` tests `src/pages/notes.ts`, if there is one. */
export function pagesOfTest(path: string): string[] {
  const [, name = ''] = /^test\/([\w-]+)[\w.-]*\.test\.ts$/.exec(path) ?? [];
  const words = name.split('-');
  return words.map((_, at) => `src/pages/${words.slice(0, at + 1).join('-')}.ts`);
}

/** The packages that a file imports, by name. */
export function packagesOf(text: string): Set<string> {
  const specifiers = [...text.matchAll(/\b(?:from|import|require\()\s*\(?\s*(['"])([^'"\s]+)\1/g)].map(
    ([, , specifier = '']) => specifier,
  );
  return new Set(
    specifiers
      .filter((one) => !/^(\.|\/|#|node:)/.test(one))
      .map((one) => one.split('/', one.startsWith('@') ? 2 : 1).join('/')),
  );
}

function withEnding(view: string): string {
  return view.endsWith('.ejs') ? view : `${view}.ejs`;
}
