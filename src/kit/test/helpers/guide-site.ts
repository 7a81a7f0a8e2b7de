/** A block of a guide, and the file that it is. */
export interface GuideFile {
  path: string;
  code: string;
}

/**
 * A guide's first `src/site.ts` with what its later blocks add: imports, and parts of the definition. A part that is
 * there already is replaced where it is. All pages of the guide are listed.
 */
export function siteOf(files: readonly GuideFile[]): string {
  const [whole = '', ...additions] = files.flatMap(({ path, code }) => (path === 'src/site.ts' ? code : []));
  const [, head = '', body = '', tail = ''] =
    /^([\s\S]*defineSite\(\{\n)([\s\S]*?)(^\}\);[\s\S]*)$/m.exec(whole) ?? [];
  const lines = additions.flatMap((code) => code.split('\n').slice(1));
  const imports = lines.filter(isImport);
  const parts = new Map(partsIn([...body.split('\n'), ...lines.filter((line) => !isImport(line))]));

  const pages = files.flatMap(pagesIn);
  parts.set('pages', [`  pages: () => [${pages.map(({ name }) => name).join(', ')}],`]);
  for (const { name, path } of pages) {
    const isThere = [...head.split('\n'), ...imports].some(
      (line) => isImport(line) && line.split(/\W+/).includes(name),
    );
    if (!isThere) imports.push(`import { ${name} } from '${path.replace('src', '.')}';`);
  }
  const definition = [...parts.values()].flat().join('\n');
  // What has replaced a part may use other imports than the part did.
  const used = imports.filter((line) =>
    namesIn(line).some((name) => new RegExp(`\\b${name}\\b(?!:)`).test(definition)),
  );
  const top = head.replace(/^import /m, () => `${used.join('\n')}\nimport `);
  return `${top}${definition}\n${tail}`;
}

function namesIn(line: string): string[] {
  return /^import (.*) from/.exec(line)?.[1]?.match(/\w+/g) ?? [];
}

function isImport(line: string): boolean {
  return line.startsWith('import ');
}

/** By name: each begins with its name, two blanks in, or with a comment on it. */
function partsIn(lines: readonly string[]): [string, string[]][] {
  const found: [string, string[]][] = [];
  const comment: string[] = [];
  for (const line of lines) {
    const [, name] = /^ {2}(\w+)\b/.exec(line) ?? [];
    if (/^ {2}\/\//.test(line)) comment.push(line);
    else if (name !== undefined) found.push([name, [...comment.splice(0), line]]);
    else if (line !== '') found.at(-1)?.[1].push(line);
  }
  return found;
}

function pagesIn({ path, code }: GuideFile): { name: string; path: string }[] {
  if (!path.startsWith('src/pages/')) return [];
  return [...code.matchAll(/export const (\w+Page) =/g)].map(([, name = '']) => ({ name, path }));
}
