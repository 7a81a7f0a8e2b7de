import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import type { Folders } from '../folders.ts';
import { listFiles } from '../http/assets.ts';
import type { Page } from '../pages/page.ts';
import { readViews } from './view-files.ts';

/** The site's own scripts that no browser would run, because they cannot be parsed. */
export function scriptProblems(folders: Folders, pages: readonly Page[]): string[] {
  const ofPages = new Set(pages.map(({ script }) => script));
  const tagged = taggedIn(readViews(folders.views[0] ?? '').map(({ text }) => text));
  return listFiles(folders.public.slice(0, 1))
    .filter(({ path }) => /\.m?js$/.test(path))
    .flatMap(({ path, file }) => {
      const name = `public${path}`;
      const text = readFileSync(file, 'utf8');
      const wrong = asClassic(text, name);
      if (!wrong) return [];
      // Which of the two a file is that no page names, its importer decides.
      const isClassic = ofPages.has(path as Page['script']) || tagged.get(path) === 'classic';
      const wrongAsModule = asModule(text, name);
      if (wrongAsModule) return [isClassic ? wrong : wrongAsModule];
      if (!isClassic) return [];
      const instead = `<script type="module" src="<%= page.asset('${path}') %>"></script>`;
      const how = ofPages.has(path as Page['script'])
        ? `A page's \`script\` is no module: put it into a function (async () => { … })(), or write ${instead} into the view in its place.`
        : `It is included as a plain script: write ${instead}.`;
      return [`${wrong} ${how}`];
    });
}

/** How views include files of `public`, by their path. */
function taggedIn(views: readonly string[]): ReadonlyMap<string, 'classic' | 'module'> {
  const tags = views.flatMap((text) => [...text.matchAll(/<script\b((?:<%[\s\S]*?%>|[^>])*)>/gi)]);
  return new Map(
    tags.flatMap(([, attributes = '']) => {
      const [, asset, plain] =
        /\bsrc\s*=\s*["']?(?:<%=\s*page\.asset\(\s*['"`]([^'"`]+)['"`]\s*\)\s*%>|(\/[^"'\s?#>]+))/.exec(
          attributes,
        ) ?? [];
      const path = asset ?? plain;
      const isModule = /\btype\s*=\s*["']?module\b/i.test(attributes);
      return path === undefined ? [] : [[path, isModule ? 'module' : 'classic'] as const];
    }),
  );
}

/** What is wrong with a script, with its line; undefined where it can be parsed. It is not run. */
function asClassic(text: string, name: string): string | undefined {
  try {
    new Script(text, { filename: name });
    return undefined;
  } catch (error) {
    const { stack = '', message } = error as Error;
    return sentence(name, stack, message);
  }
}

/** Node has no other way that needs no flag. Only what is no script is tried. */
function asModule(text: string, name: string): string | undefined {
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--check', '-'], {
    input: text,
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return sentence(name, stderr, /^\w*Error: (.*)$/m.exec(stderr)?.[1] ?? 'it is not JavaScript');
}

function sentence(name: string, stack: string, message: string): string {
  const [, line] = /^[^\n]*:(\d+)$/m.exec(stack) ?? [];
  return `${name}${line ? `:${line}` : ''}: it can't be parsed, so browsers don't run any of it: ${message}.`;
}
