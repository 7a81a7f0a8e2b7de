import { posix } from 'node:path';

/** One line of src/site.ts. */
export interface SiteLine {
  text: string;
  isExample: boolean;
  /** Of an import in one line: the file or package that it is from, and the names that it brings. */
  from?: string;
  names: string[];
  /** Each word of the line that may be a name. */
  words: Set<string>;
  /** Whether it is in the brackets of a list, as the pages are. */
  isInList: boolean;
}

/** The lines of src/site.ts, their endings left on. */
export function readSiteLines(site: string): SiteLine[] {
  let depth = 0;
  return site.split(/(?<=\n)/).map((text) => {
    const [, clause, specifier] = /^\s*import\s+(?:type\s+)?(.+?)\s+from\s+['"]([^'"]+)['"]/.exec(text) ?? [];
    const isExample = /\/\/ example\s*$/.test(text);
    const code = isExample ? text.replace(/\/\/ example\s*$/, '') : text;
    const words = new Set(code.match(/[A-Za-z_$][\w$]*/g));
    const isInList = depth > 0;
    depth += code.split('[').length - code.split(']').length;
    if (clause === undefined || specifier === undefined)
      return { text, isExample, names: [], words, isInList };
    const from = specifier.startsWith('.') ? posix.join('src', specifier) : specifier;
    return { text, isExample, from, names: namesIn(clause), words, isInList };
  });
}

/** An example line that is neither an import nor a page in the list, such as `open: …`: what pages work with. */
export function isContext({ isExample, from, isInList }: SiteLine): boolean {
  return isExample && from === undefined && !isInList;
}

/** With the name on it, or undefined where the copier has given it one already. */
export function withName(site: string, old: string, title: string): string | undefined {
  const pattern = new RegExp(`^(\\s*name:\\s*)(['"\`])${old}\\2`, 'm');
  return pattern.test(site) ? site.replace(pattern, `$1$2${title}$2`) : undefined;
}

/** `a, { b, type c as d }` → a, b, d */
function namesIn(clause: string): string[] {
  return clause
    .split(/[{},]/)
    .map((part) => part.trim().split(/\s+/).at(-1) ?? '')
    .filter(Boolean);
}
